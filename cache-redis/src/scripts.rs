//! What has to happen on the server in one step and is no command: Lua, sent once and called by digest.

use std::sync::LazyLock;

use bytes::Bytes;
use fred::bytes_utils::Str;
use fred::error::Error;
use fred::interfaces::{ClientLike, FredResult};
use fred::types::{ClusterHash, CustomCommand, Value as Reply};
use fred::util::{redis_keyslot, sha1_hash};

use crate::connection::Clients;

/// A script in a file of its own.
pub(crate) struct Script {
    body: &'static str,
    digest: LazyLock<Str>,
}

/// A script from its files, one behind the other.
macro_rules! script {
    ($name:ident, $($file:literal),+) => {
        pub(crate) static $name: Script = Script {
            body: concat!($(include_str!($file)),+),
            digest: LazyLock::new(|| sha1_hash($name.body).into()),
        };
    };
}

script!(ACQUIRE, "lua/acquire.lua");
script!(ADD, "lua/head.lua", "lua/add.lua");
script!(FORGET, "lua/head.lua", "lua/forget.lua");
script!(HAS, "lua/head.lua", "lua/has.lua");
script!(INCREMENT, "lua/head.lua", "lua/increment.lua");
script!(INSPECT, "lua/inspect.lua");
script!(LOOK, "lua/look.lua");
script!(PUT, "lua/put.lua");
script!(RELEASE, "lua/release.lua");
script!(RENEW, "lua/renew.lua");
script!(STORE, "lua/store.lua");
script!(TOUCH, "lua/head.lua", "lua/touch.lua");
script!(TTL, "lua/head.lua", "lua/ttl.lua");
script!(VERSION, "lua/version.lua");

/// How a script is named.
#[derive(Clone, Copy)]
pub(crate) enum Form {
    Digest,
    /// By all that it is: it is known from then on.
    Body,
}

impl Script {
    /// Runs it on keys of one slot. A server that does not know it yet, since it was restarted or its scripts were
    /// flushed, has done nothing when it says so, and is sent the whole.
    pub(crate) async fn run(
        &self,
        clients: &Clients,
        keys: &[Bytes],
        args: &[Reply],
    ) -> FredResult<Reply> {
        let (keys, args) = (|| keys.iter().cloned(), || args.iter().cloned());
        let call = |form| self.call(form, clients.once(), keys(), args());
        let answer = call(Form::Digest).await;
        match clients.follow(answer, || call(Form::Digest)).await {
            Err(error) if is_unknown(&error) => {
                Box::pin(async {
                    let answer = call(Form::Body).await;
                    clients.follow(answer, || call(Form::Body)).await
                })
                .await
            }
            answer => answer,
        }
    }

    /// The same, sent once.
    // As a command of our own, since fred's takes no options of a single call.
    pub(crate) async fn call(
        &self,
        form: Form,
        client: &impl ClientLike,
        keys: impl ExactSizeIterator<Item = Bytes>,
        args: impl ExactSizeIterator<Item = Reply>,
    ) -> FredResult<Reply> {
        let (command, script) = match form {
            Form::Digest => ("EVALSHA", self.digest.clone().into()),
            Form::Body => ("EVAL", Reply::from_static_str(self.body)),
        };
        let mut all = Vec::with_capacity(2 + keys.len() + args.len());
        all.extend([script, keys.len().try_into()?]);
        let mut slot = ClusterHash::FirstKey;
        for (place, key) in keys.enumerate() {
            if place == 0 {
                slot = ClusterHash::Custom(redis_keyslot(&key));
            }
            all.push(Reply::Bytes(key));
        }
        all.extend(args);
        client.custom(CustomCommand::new_static(command, slot, false), all).await
    }
}

/// Whether a server does not know a script. It has done nothing then.
pub(crate) fn is_unknown(error: &Error) -> bool {
    error.details().starts_with("NOSCRIPT")
}
