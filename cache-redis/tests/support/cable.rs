//! A way to a server that can be cut, for one client and not for the others.

use redis_servers::Server;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Cable {
    port: u16,
    url: String,
    state: watch::Sender<State>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Whole,
    /// Connections break, and new ones at once.
    Cut,
    /// Connections stay, and nothing is carried. They break when this ends.
    Silent,
    /// The same for the connections that there are, while new ones are carried.
    Forgetful,
}

impl Cable {
    /// It ends with this value.
    pub(crate) async fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("an address");
        let (state, watched) = watch::channel(State::Whole);
        let port = server.port();
        tokio::spawn(async move {
            let mut ended = watched.clone();
            let accepting = async {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(carry(client, port, watched.clone()));
                }
            };
            tokio::select! {
                _ = ended.wait_for(|_| false) => {}
                () = accepting => {}
            }
        });
        Self { port: own.port(), url: format!("redis://{own}"), state }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn set(&self, state: State) {
        self.state.send_replace(state);
    }
}

async fn carry(mut client: TcpStream, port: u16, mut state: watch::Receiver<State>) {
    let is_late = *state.borrow() == State::Forgetful;
    let may_pass = move |state: &State| match state {
        State::Whole => true,
        State::Forgetful => is_late,
        State::Cut | State::Silent => false,
    };
    let carried = async {
        let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
        copy_bidirectional(&mut client, &mut server).await
    };
    tokio::select! {
        biased;
        _ = state.wait_for(|state| !may_pass(state)) => {}
        _ = carried => return,
    }
    let _ = state.wait_for(|state| matches!(state, State::Whole | State::Cut)).await;
}
