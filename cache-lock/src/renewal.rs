//! The task that keeps a lease from ending: one for each guard.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::lease::Lease;

/// A lease is renewed when so much of it has passed.
const THIRD: u32 = 3;
/// After a failure, when so much of it has: there are some attempts before it ends.
const SHARE_AFTER_FAILURE: u32 = 30;
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Renews the lease until it is lost. Outages are ridden out for as long as it lasts.
pub(crate) async fn keep(lease: Arc<Lease>) {
    let mut since = Instant::now();
    let mut has_failed = false;
    loop {
        let changed = lease.changed();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let Some(end) = lease.end() else { break };
        let length = lease.length().await;
        let pause = if has_failed {
            (length / SHARE_AFTER_FAILURE).min(LONGEST_PAUSE)
        } else {
            length / THIRD
        };
        tokio::select! {
            // Another length: the next renewal may have to be sooner.
            () = changed => continue,
            () = tokio::time::sleep_until((since + pause).min(end)) => {}
        }
        since = Instant::now();
        // It may be prolonged by somebody else meanwhile; but then this renewal is not needed either.
        has_failed = match tokio::time::timeout_at(end, lease.renew(None)).await {
            Ok(Ok(true)) => false,
            Ok(Ok(false)) => break,
            Ok(Err(error)) => {
                tracing::debug!(lock = &**lease.name(), %error, "a lock was not renewed; trying again");
                true
            }
            Err(_elapsed) => true,
        };
    }
    if lease.is_lost() {
        tracing::warn!(
            lock = &**lease.name(),
            "a lock is lost: its lease was not renewed in time, or is another's"
        );
        // The last attempt may have prolonged it on the server, where nobody needs it now.
        lease.give_back();
    }
}
