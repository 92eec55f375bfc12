//! Leases, as simple as can be.

use std::time::Duration;

use cache_core::{Acquisition, Fence, Key, LockState, LockStore, Owner, StoreFuture};
use tokio::time::Instant;

use super::{Flaw, Lease, Model, State};

impl Model {
    fn held<'s>(&self, state: &'s mut State, name: Key<'_>) -> Option<&'s mut Lease> {
        let ends = !self.is(Flaw::LeasesDoNotEnd);
        let lease = state.leases.get_mut(name.as_str());
        lease.filter(|lease| !ends || Instant::now() < lease.until)
    }
}

impl LockStore for Model {
    fn acquire<'a>(
        &'a self,
        name: Key<'a>,
        owner: Owner,
        lease: Duration,
    ) -> StoreFuture<'a, Acquisition> {
        let mut state = self.state();
        if let Some(held) = self.held(&mut state, name) {
            let left = held.until.saturating_duration_since(Instant::now());
            return StoreFuture::ok(Acquisition::Held(left));
        }
        state.next += u64::from(!self.is(Flaw::FencesRepeat));
        let until = Instant::now() + lease;
        state.leases.insert(name.as_str().into(), Lease { owner, until });
        StoreFuture::ok(Acquisition::Acquired(Fence(state.next)))
    }

    fn renew<'a>(&'a self, name: Key<'a>, owner: Owner, lease: Duration) -> StoreFuture<'a, bool> {
        let mut state = self.state();
        let held = self.held(&mut state, name);
        match held.filter(|held| held.owner == owner || self.is(Flaw::AnybodyRenews)) {
            None => StoreFuture::ok(false),
            Some(held) => {
                held.until = Instant::now() + lease;
                StoreFuture::ok(true)
            }
        }
    }

    fn release<'a>(&'a self, name: Key<'a>, owner: Owner) -> StoreFuture<'a, bool> {
        let mut state = self.state();
        let held = self.held(&mut state, name);
        let released =
            held.is_some_and(|held| held.owner == owner || self.is(Flaw::AnybodyReleases));
        if released {
            state.leases.remove(name.as_str());
        }
        StoreFuture::ok(released)
    }

    fn freed<'a>(&'a self, _: Key<'a>) -> StoreFuture<'a, ()> {
        // It may always resolve too early.
        StoreFuture::ok(())
    }

    fn inspect<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, Option<LockState>> {
        let mut state = self.state();
        let held = self.held(&mut state, name);
        StoreFuture::ok(held.map(|lease| LockState {
            owner: lease.owner,
            left: lease.until.saturating_duration_since(Instant::now()),
        }))
    }

    fn force_release<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, bool> {
        let mut state = self.state();
        let held = self.held(&mut state, name).is_some();
        state.leases.remove(name.as_str());
        StoreFuture::ok(held)
    }
}
