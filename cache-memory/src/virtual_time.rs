//! Whether tokio's clock is one that a test can pause, or std's and nothing else.
//!
//! That is a feature of tokio, `test-util`, which whoever builds the program sets: a crate is not told, but sees the
//! methods that come with it. `Builder::start_paused` is one, and goes before a trait's method of the same name.

use tokio::runtime::Builder;

/// Whether time can be virtual in this program: the same answer at any time.
pub(crate) fn is_possible() -> bool {
    let mut builder = Builder::new_current_thread();
    debug_assert!(!WithoutTestUtil::start_paused(&mut builder, false).can_be_paused());
    builder.start_paused(false).can_be_paused()
}

/// What is called where tokio has no such method.
trait WithoutTestUtil {
    fn start_paused(&mut self, paused: bool) -> RealTime;
}

struct RealTime;

impl WithoutTestUtil for Builder {
    fn start_paused(&mut self, _: bool) -> RealTime {
        RealTime
    }
}

trait Answer {
    fn can_be_paused(&self) -> bool;
}

impl Answer for RealTime {
    fn can_be_paused(&self) -> bool {
        false
    }
}

/// What tokio's own method returns.
impl Answer for Builder {
    fn can_be_paused(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_seen_that_tests_can_pause_time() {
        assert!(super::is_possible());
    }
}
