//! The memory driver under the conformance suite, in virtual time.

use std::process::ExitCode;

use cache_core::conformance::Suite;
use cache_memory::MemoryStore;

fn main() -> ExitCode {
    Suite::new(|| async { MemoryStore::new() })
        .with(cache_lock::conformance::cases())
        .in_virtual_time()
        .main()
}
