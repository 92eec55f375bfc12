//! The rules that the crates' dependencies keep, and one of the README. Each rule is a pure function in a file of
//! its own, over data that this file collects.

mod floors;
mod manifests;
mod reach;
mod readme;

use std::fs;

use crate::metadata::Workspace;
use crate::plan::Failure;
use crate::process::Call;

/// What is shown first, from the workspace's root.
const README: &str = "README.md";

/// No crate depends on one of its own floor or above.
pub(crate) fn check_floors() -> Result<(), Failure> {
    let complaints = floors::complaints(floors::FLOORS, &Workspace::load()?);
    all_good("the floors of the house are not kept", &complaints)
}

/// Every dependency is declared once, in the workspace's table.
pub(crate) fn check_manifests() -> Result<(), Failure> {
    let mut complaints = vec![];
    for member in Workspace::load()?.members {
        let path = member.manifest_path.display();
        let manifest = fs::read_to_string(&member.manifest_path)
            .map_err(|error| Failure::new(format!("cannot read {path}: {error}")))?;
        let found = manifests::complaints(&member.name, &manifest)
            .map_err(|error| Failure::new(format!("cannot parse {path}: {error}")))?;
        complaints.extend(found);
    }
    all_good("dependencies are declared outside the workspace's table", &complaints)
}

/// What must stay out of a crate does not get in through a dependency of a dependency either.
pub(crate) fn check_reach() -> Result<(), Failure> {
    let mut complaints = vec![];
    for rule in reach::KEPT_OUT {
        let tree = Call::cargo("tree --edges normal --all-features --target all --prefix none")
            .args(["-p", rule.package])
            .read()?;
        complaints.extend(reach::complaints(rule, &tree));
    }
    all_good("a crate reaches what is kept out of it", &complaints)
}

/// No block of the README has a line that rustdoc would hide.
pub(crate) fn check_readme() -> Result<(), Failure> {
    let readme = fs::read_to_string(README)
        .map_err(|error| Failure::new(format!("cannot read {README}: {error}")))?;
    all_good("lines of the README are hidden by rustdoc alone", &readme::complaints(&readme))
}

/// A failure that lists the complaints, if there are any.
pub(crate) fn all_good(otherwise: &str, complaints: &[String]) -> Result<(), Failure> {
    if complaints.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("{otherwise}:\n  {}", complaints.join("\n  "))))
}
