//! What has to happen on the server in one step and is no command: Lua, sent once and called by digest.

use std::sync::LazyLock;

use bytes::Bytes;
use fred::bytes_utils::Str;
use fred::error::Error;
use fred::interfaces::{ClientLike, FredResult};
use fred::types::{ClusterHash, CustomCommand, Value as Reply};
use fred::util::{redis_keyslot, sha1_hash};

/// A script in a file of its own.
pub(crate) struct Script {
    body: &'static str,
    digest: LazyLock<Str>,
}

pub(crate) static INCREMENT: Script = Script {
    body: include_str!("lua/increment.lua"),
    digest: LazyLock::new(|| digest(INCREMENT.body)),
};

pub(crate) static TOUCH_FOREVER: Script = Script {
    body: include_str!("lua/touch_forever.lua"),
    digest: LazyLock::new(|| digest(TOUCH_FOREVER.body)),
};

impl Script {
    /// Runs it on one key. A server that does not know it yet, since it was restarted or its scripts were
    /// flushed, has done nothing when it says so, and is sent the whole.
    pub(crate) async fn run(
        &self,
        client: &impl ClientLike,
        key: Bytes,
        args: &[Reply],
    ) -> FredResult<Reply> {
        let digest = self.digest.clone().into();
        match call(client, "EVALSHA", digest, key.clone(), args).await {
            Err(error) if is_unknown(&error) => {
                call(client, "EVAL", Reply::from_static_str(self.body), key, args).await
            }
            answer => answer,
        }
    }
}

// As a command of our own, since fred's takes no options of a single call.
async fn call(
    client: &impl ClientLike,
    command: &'static str,
    script: Reply,
    key: Bytes,
    args: &[Reply],
) -> FredResult<Reply> {
    let slot = ClusterHash::Custom(redis_keyslot(&key));
    let mut all = Vec::with_capacity(3 + args.len());
    all.extend([script, Reply::Integer(1), Reply::Bytes(key)]);
    all.extend_from_slice(args);
    client.custom(CustomCommand::new_static(command, slot, false), all).await
}

fn is_unknown(error: &Error) -> bool {
    error.details().starts_with("NOSCRIPT")
}

fn digest(body: &str) -> Str {
    sha1_hash(body).into()
}
