//! The task that keeps a lease from ending: one for each guard.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::lease::Lease;

/// After a failure, when so much of the time has passed that is left of a lease when it is due for renewal: there are
/// some attempts before it ends.
const SHARE_AFTER_FAILURE: u32 = 20;
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Renews the lease until it is lost. Outages are ridden out for as long as it lasts.
pub(crate) async fn keep(lease: Arc<Lease>) {
    // When the last attempt was made, if that has failed.
    let mut failed = None;
    loop {
        let changed = lease.changed();
        tokio::pin!(changed);
        changed.as_mut().enable();
        let Some(term) = lease.term() else { break };
        let again = |failed| {
            let left = term.until.saturating_duration_since(term.due);
            failed + (left / SHARE_AFTER_FAILURE).min(LONGEST_PAUSE)
        };
        tokio::select! {
            // Another length: the next renewal may have to be sooner.
            () = changed => continue,
            () = tokio::time::sleep_until(failed.map_or(term.due, again).min(term.until)) => {}
        }
        let began = Instant::now();
        // It may be prolonged by somebody else meanwhile; but then this renewal is not needed either.
        failed = match tokio::time::timeout_at(term.until, lease.renew(None)).await {
            Ok(Ok(true)) => None,
            Ok(Ok(false)) => break,
            Ok(Err(error)) => {
                tracing::debug!(lock = &**lease.name(), %error, "a lock was not renewed; trying again");
                Some(began)
            }
            Err(_elapsed) => Some(began),
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
