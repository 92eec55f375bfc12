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
script!(TOUCH, "lua/head.lua", "lua/touch.lua");
script!(TTL, "lua/head.lua", "lua/ttl.lua");
script!(VERSION, "lua/version.lua");

impl Script {
    /// Runs it on keys of one slot. A server that does not know it yet, since it was restarted or its scripts were
    /// flushed, has done nothing when it says so, and is sent the whole.
    pub(crate) async fn run(
        &self,
        client: &impl ClientLike,
        keys: &[Bytes],
        args: &[Reply],
    ) -> FredResult<Reply> {
        let digest = self.digest.clone().into();
        match call(client, "EVALSHA", digest, keys, args).await {
            Err(error) if is_unknown(&error) => {
                let body = Reply::from_static_str(self.body);
                Box::pin(call(client, "EVAL", body, keys, args)).await
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
    keys: &[Bytes],
    args: &[Reply],
) -> FredResult<Reply> {
    let slot =
        keys.first().map_or(ClusterHash::FirstKey, |key| ClusterHash::Custom(redis_keyslot(key)));
    let mut all = Vec::with_capacity(2 + keys.len() + args.len());
    all.extend([script, keys.len().try_into()?]);
    all.extend(keys.iter().cloned().map(Reply::Bytes));
    all.extend_from_slice(args);
    client.custom(CustomCommand::new_static(command, slot, false), all).await
}

fn is_unknown(error: &Error) -> bool {
    error.details().starts_with("NOSCRIPT")
}
