//! Leases, as simple as can be.

use std::time::Duration;

use cache_core::{Acquisition, Fence, Key, LockState, LockStore, Owner, StoreFuture};
use tokio::time::Instant;

use super::{Flaw, Lease, Model, State};

impl Model {
    fn lock(&self, name: Key<'_>) -> String {
        let name = name.as_str();
        if self.is(Flaw::TrimsLocks) {
            name.trim().into()
        } else if self.is(Flaw::CutsLocks) {
            name.chars().take(60_000).collect()
        } else {
            name.into()
        }
    }

    fn held<'s>(&self, state: &'s mut State, name: Key<'_>) -> Option<&'s mut Lease> {
        let ends = !self.is(Flaw::LeasesDoNotEnd);
        let lease = state.leases.get_mut(&self.lock(name));
        lease.filter(|lease| !ends || Instant::now() < lease.until)
    }

    /// The same, or what has ended where the flaw says so.
    fn seen<'s>(&self, state: &'s mut State, name: Key<'_>, flaw: Flaw) -> Option<&'s mut Lease> {
        if self.is(flaw) { state.leases.get_mut(&self.lock(name)) } else { self.held(state, name) }
    }

    fn left(&self, lease: &Lease) -> Duration {
        if self.is(Flaw::ShowsTheWholeLease) {
            lease.length
        } else {
            lease.until.saturating_duration_since(Instant::now())
        }
    }

    fn length(&self, lease: Duration) -> Duration {
        const WRAPS: u128 = 1 << 32;
        if self.is(Flaw::LongLeasesWrap) {
            Duration::from_millis((lease.as_millis() % WRAPS).try_into().unwrap())
        } else {
            lease
        }
    }

    fn grant(
        &self,
        state: &mut State,
        name: Key<'_>,
        owner: Owner,
        lease: Duration,
    ) -> Acquisition {
        let length = self.length(lease);
        let until = Instant::now() + length;
        let before = state.leases.get(&self.lock(name)).map(|lease| lease.owner);
        let granted = Lease { owner, until, length, former: before };
        state.leases.insert(self.lock(name), granted);
        state.next += u64::from(!self.is(Flaw::FencesRepeat));
        let falls = before.is_some() && self.is(Flaw::FencesFallAtTheEnd);
        Acquisition::Acquired(Fence(if falls { 0 } else { self.first_fence() + state.next }))
    }

    fn first_fence(&self) -> u64 {
        let micros = u64::try_from(self.made.as_micros()).unwrap();
        match self.flaw {
            Flaw::FencesCountFromOne => 0,
            Flaw::FencesAreNanoseconds => micros * 1_000,
            _ => micros,
        }
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
        let held = self.held(&mut state, name);
        if let Some(held) =
            held.filter(|held| held.owner != owner || self.is(Flaw::RefusesTheOwner))
        {
            let nothing = self.is(Flaw::TellsOfNothingLeft);
            let left = if nothing { Duration::ZERO } else { self.left(held) };
            return StoreFuture::ok(Acquisition::Held(left));
        }
        if self.is(Flaw::AcquiresInTwoSteps) {
            return Self::in_two_steps(move || self.grant(&mut self.state(), name, owner, lease));
        }
        StoreFuture::ok(self.grant(&mut state, name, owner, lease))
    }

    fn renew<'a>(&'a self, name: Key<'a>, owner: Owner, lease: Duration) -> StoreFuture<'a, bool> {
        let mut state = self.state();
        let held = self.seen(&mut state, name, Flaw::RenewalsRevive);
        let Some(held) = held.filter(|held| held.owner == owner || self.is(Flaw::AnybodyRenews))
        else {
            return StoreFuture::ok(false);
        };
        if self.is(Flaw::RenewsInTwoSteps) {
            return Self::in_two_steps(move || {
                self.grant(&mut self.state(), name, owner, lease);
                true
            });
        }
        let length = self.length(lease);
        let until = Instant::now() + length;
        if self.is(Flaw::RenewalsAdd) {
            held.until += length;
        } else if until > held.until || !self.is(Flaw::RenewalsNeverShorten) {
            held.until = until;
        }
        held.length = length;
        StoreFuture::ok(true)
    }

    fn release<'a>(&'a self, name: Key<'a>, owner: Owner) -> StoreFuture<'a, bool> {
        let mut state = self.state();
        let held = self.held(&mut state, name);
        let released = held.is_some_and(|held| {
            let former = held.former == Some(owner) && self.is(Flaw::FormerOwnersRelease);
            held.owner == owner || former || self.is(Flaw::AnybodyReleases)
        });
        if released && self.is(Flaw::ReleasesInTwoSteps) {
            return Self::in_two_steps(move || {
                self.state().leases.remove(&self.lock(name)).is_some()
            });
        }
        if released {
            state.leases.remove(&self.lock(name));
        }
        StoreFuture::ok(released)
    }

    fn freed<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, ()> {
        let until = self.held(&mut self.state(), name).map(|held| held.until);
        let wakes_nobody = [Flaw::ReleasesWakeNobody, Flaw::TakingAwayWakesNobody];
        match until {
            None if self.is(Flaw::WaitsForWhatIsFree) => {
                StoreFuture::pending(std::future::pending())
            }
            Some(until) if wakes_nobody.into_iter().any(|flaw| self.is(flaw)) => {
                let by_operators = self.is(Flaw::TakingAwayWakesNobody);
                StoreFuture::pending(async move {
                    while Instant::now() < until {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                        let released = !self.state().leases.contains_key(&self.lock(name));
                        if released && by_operators && !self.state().taken_away {
                            break;
                        }
                    }
                    Ok(())
                })
            }
            Some(until) if self.is(Flaw::TellsOneOnly) => StoreFuture::pending(async move {
                while Instant::now() < until {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    let mut state = self.state();
                    let released = !state.leases.contains_key(&self.lock(name));
                    if released && !std::mem::replace(&mut state.is_told, true) {
                        break;
                    }
                }
                Ok(())
            }),
            Some(_) if self.is(Flaw::EndsWakeNobody) => StoreFuture::pending(async move {
                while self.state().leases.contains_key(&self.lock(name)) {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                Ok(())
            }),
            Some(until) if self.is(Flaw::EarlierEndsWakeNobody) => {
                StoreFuture::pending(async move {
                    while Instant::now() < until
                        && self.state().leases.contains_key(&self.lock(name))
                    {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    Ok(())
                })
            }
            // It may always resolve too early.
            _ => StoreFuture::ok(()),
        }
    }

    fn inspect<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, Option<LockState>> {
        let mut state = self.state();
        let held = self.seen(&mut state, name, Flaw::ShowsTheEnded);
        StoreFuture::ok(held.map(|lease| LockState { owner: lease.owner, left: self.left(lease) }))
    }

    fn force_release<'a>(&'a self, name: Key<'a>) -> StoreFuture<'a, bool> {
        let mut state = self.state();
        let held = self.seen(&mut state, name, Flaw::TakesTheEndedAway).is_some();
        state.leases.remove(&self.lock(name));
        state.taken_away = true;
        if self.is(Flaw::FencesFallWhenTakenAway) {
            state.next = 0;
        }
        StoreFuture::ok(held)
    }
}
