//! Everyone, filled with every key, and under which name.

use std::sync::Arc;

use quick_cache::DefaultHashBuilder;

use super::contender::{
    Cached, Cachet, Clocked, Contender, Decoded, FoyerCloned, FoyerHandle, Held, Kept, MiniMoka,
    MokaFuture, MokaOwnTtl, MokaSync, Quick, Remembers,
};
use super::ground::Ground;
use crate::fixture::{CAPACITY, User};

pub(super) const QUICK: &str = "raw quick_cache";
pub(super) const CLOCKED: &str = "raw quick_cache + clock";
pub(super) const MOKA_SYNC: &str = "moka sync";
pub(super) const MOKA_FOLDHASH: &str = "moka sync, foldhash";
pub(super) const MOKA_OWN_TTL: &str = "moka sync, own TTLs";
pub(super) const MOKA_FUTURE: &str = "moka future";
pub(super) const MINI_MOKA: &str = "mini-moka";
pub(super) const FOYER: &str = "foyer";
pub(super) const CACHED: &str = "cached";
pub(super) const CACHET: &str = "cachet";
pub(super) const CACHET_PROTECTED: &str = "cachet, protected";

/// What every note begins with: how the contenders are set up.
pub(super) const SET_UP: &str = "\
Everyone with its own default hasher (foldhash in quick_cache, cache and cachet; SipHash in moka and \
mini-moka, and foldhash where its name says so; xxHash in foyer; aHash in cached), policy and number of \
shards. quick_cache and foyer have no lifetimes: what they do here never ends, and \"+ clock\" reads \
tokio's clock once, as judging a lifetime by that takes, but judges nothing; cache judges most hits by a \
coarser clock, which is cheaper to read. moka, mini-moka and cached have one lifetime for all entries; \
\"own TTLs\", cachet and cache have one for each. cached is its sharded store of \
bounded size and lifetime. cachet is moka's future cache behind a layer of its own; \"protected\" is with \
its stampede protection, which it has for hits as well. cache holds encoded bytes, the others hold objects.";

/// How hits are handed out.
pub(super) trait Flavour {
    type Value: Held;
    type Foyer: Contender;
    type Ours: Remembers;

    fn foyer(capacity: usize) -> Self::Foyer;
    fn ours(capacity: usize) -> Self::Ours;
}

/// As a handle: an `Arc`, or what takes its place.
pub(super) struct Shared;

/// As a user that is the caller's own.
pub(super) struct Owned;

impl Flavour for Shared {
    type Value = Arc<User>;
    type Foyer = FoyerHandle;
    type Ours = Kept;

    fn foyer(capacity: usize) -> FoyerHandle {
        FoyerHandle::new(capacity)
    }

    fn ours(capacity: usize) -> Kept {
        Kept::new(capacity)
    }
}

impl Flavour for Owned {
    type Value = User;
    type Foyer = FoyerCloned;
    type Ours = Decoded;

    fn foyer(capacity: usize) -> FoyerCloned {
        FoyerCloned::new(capacity)
    }

    fn ours(capacity: usize) -> Decoded {
        Decoded::new(capacity)
    }
}

pub(super) struct Lineup<F: Flavour> {
    pub(super) quick: Arc<Quick<F::Value>>,
    pub(super) clocked: Arc<Clocked<Quick<F::Value>>>,
    pub(super) moka_sync: Arc<MokaSync<F::Value>>,
    pub(super) moka_foldhash: Arc<MokaSync<F::Value, DefaultHashBuilder>>,
    pub(super) moka_own_ttl: Arc<MokaOwnTtl<F::Value>>,
    pub(super) moka_future: Arc<MokaFuture<F::Value>>,
    pub(super) mini_moka: Arc<MiniMoka<F::Value>>,
    pub(super) foyer: Arc<F::Foyer>,
    pub(super) cached: Arc<Cached<F::Value>>,
    pub(super) cachet: Arc<Cachet<F::Value>>,
    pub(super) cachet_protected: Arc<Cachet<F::Value>>,
    pub(super) ours: Arc<F::Ours>,
}

impl<F: Flavour> Lineup<F> {
    pub(super) async fn new(ground: &Ground) -> Self {
        Self {
            quick: filled(Quick::new(CAPACITY), ground).await,
            clocked: filled(Clocked(Quick::new(CAPACITY)), ground).await,
            moka_sync: filled(MokaSync::new(CAPACITY), ground).await,
            moka_foldhash: {
                let hasher = DefaultHashBuilder::default();
                filled(MokaSync::with_hasher(CAPACITY, hasher), ground).await
            },
            moka_own_ttl: filled(MokaOwnTtl::new(CAPACITY), ground).await,
            moka_future: filled(MokaFuture::new(CAPACITY), ground).await,
            mini_moka: filled(MiniMoka::new(CAPACITY), ground).await,
            foyer: filled(F::foyer(CAPACITY), ground).await,
            cached: filled(Cached::new(CAPACITY), ground).await,
            cachet: filled(Cachet::new(CAPACITY), ground).await,
            cachet_protected: filled(Cachet::with_stampede_protection(CAPACITY), ground).await,
            ours: filled(F::ours(CAPACITY), ground).await,
        }
    }
}

/// Puts every entry, and reads it: a first shared read of ours decodes, and is not what is measured.
pub(super) async fn filled<C: Contender>(cache: C, ground: &Ground) -> Arc<C> {
    for (key, user) in ground.entries() {
        cache.put(key, user.clone()).await;
    }
    cache.settle().await;
    for (key, user) in ground.entries() {
        use super::contender::Found as _;
        let found = cache.get(key).await;
        assert_eq!(found.map(|found| found.id()), Some(user.id), "nothing was evicted");
    }
    cache.settle().await;
    Arc::new(cache)
}
