//! Who takes part, each set up as its guide says.

mod by_hand;
mod cached;
mod fred;
mod hitbox;
mod ours;
mod redis_rs;
mod set_index;

use std::sync::Arc;

pub(crate) use self::cached::Cached;
pub(crate) use self::fred::{Fred, connect as connect_fred, succeed as succeed_fred};
pub(crate) use self::hitbox::Hitbox;
pub(crate) use self::ours::{Ours, OursTagged, connect as connect_ours};
pub(crate) use self::redis_rs::{RedisRs, RedisRsNoDelay};
pub(crate) use self::set_index::SetIndex;

/// One of each, with one connection.
pub(crate) struct Contenders {
    pub(crate) ours: Arc<Ours>,
    pub(crate) fred: Arc<Fred>,
    pub(crate) redis_rs: Arc<RedisRs>,
    pub(crate) redis_rs_no_delay: Arc<RedisRsNoDelay>,
    pub(crate) cached: Arc<Cached>,
    pub(crate) hitbox: Arc<Hitbox>,
    pub(crate) set_index: Arc<SetIndex>,
}

impl Contenders {
    pub(crate) async fn connect(url: &str) -> Self {
        Self {
            ours: Arc::new(Ours::connect(url).await),
            fred: Arc::new(Fred::connect(url).await),
            redis_rs: Arc::new(RedisRs::connect(url).await),
            redis_rs_no_delay: Arc::new(RedisRsNoDelay::connect(url).await),
            cached: Arc::new(Cached::connect(url).await),
            hitbox: Arc::new(Hitbox::new(url)),
            set_index: Arc::new(SetIndex::connect(url).await),
        }
    }
}
