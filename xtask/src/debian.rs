//! Packages of Debian, where this program may install them: for whoever tests on a bare machine, such as CI.

use std::fs;
use std::path::Path;

use crate::plan::Failure;
use crate::process::Call;

/// Whether a package can be installed without asking anybody: on Debian, as root.
pub(crate) fn can_install() -> bool {
    is_debian() && is_root()
}

/// Installs it. That this is about to happen is for the caller to say, and why.
pub(crate) fn install(package: &str) -> Result<(), Failure> {
    Call::program("apt-get", "update --quiet").run()?;
    Call::program("apt-get", "install --quiet --yes --no-install-recommends")
        .args([package])
        .env("DEBIAN_FRONTEND", "noninteractive")
        .run()
}

fn is_debian() -> bool {
    // Ubuntu and the like have it too, and the same packages.
    Path::new("/etc/debian_version").is_file()
}

fn is_root() -> bool {
    // The owner of what this process is, where the system tells.
    fs::read_to_string("/proc/self/status").is_ok_and(|status| is_root_in(&status))
}

fn is_root_in(status: &str) -> bool {
    // `Uid:` real, effective, saved, file system.
    let uids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    uids.and_then(|uids| uids.split_whitespace().nth(1)) == Some("0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_who_acts_as_root() {
        assert!(is_root_in("Name:\txtask\nUid:\t1000\t0\t0\t0\n"));
        assert!(!is_root_in("Uid:\t0\t1000\t0\t1000\n"));
        assert!(!is_root_in(""));
    }
}
