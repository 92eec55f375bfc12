//! The report of the benchmarks: `REPORT.md` and its charts, made of what a run left behind. It measures nothing.
//!
//! Apart from what measures, so that neither the peers nor a server are needed to build and test it. `record` is what
//! both know. `view` sorts records by group and case, `lead` tells which of two is ahead and `standing` all who are,
//! `document` writes the Markdown and `chart` the pictures. The same records give the same bytes.

mod chart;
mod document;
mod figures;
mod lead;
mod markdown;
pub mod record;
#[cfg(test)]
mod sample;
pub mod spread;
mod standing;
mod svg;
mod view;

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use crate::record::Records;
use crate::view::View;

const DOCUMENT: &str = "REPORT.md";
const CHARTS: &str = "charts";

/// What a report is for, which says where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To be kept: it replaces the last one.
    Keep,
    /// To be looked at: it replaces nothing that was measured.
    Look,
}

/// Where a run of the benchmarks in this folder leaves its records.
pub fn records_file(bench: &Path) -> PathBuf {
    bench.join("target/records.json")
}

/// Writes the report on the records that lie there, and returns where it is.
pub fn write(bench: &Path, purpose: Purpose) -> Result<PathBuf, String> {
    let records = read(&records_file(bench))?;
    let folder = folder(bench, purpose, &records);
    let charts = folder.join(CHARTS);
    fs::create_dir_all(&charts).map_err(|error| failed("create", &charts, &error))?;
    remove_old_charts(&charts)?;
    for (name, text) in render(&records) {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| failed("write", &path, &error))?;
    }
    Ok(folder.join(DOCUMENT))
}

fn read(path: &Path) -> Result<Records, String> {
    let text = fs::read_to_string(path).map_err(|error| {
        format!("{}: `cargo xtask bench` leaves it", failed("read", path, &error))
    })?;
    serde_json::from_str(&text).map_err(|error| failed("understand", path, &error))
}

fn folder(bench: &Path, purpose: Purpose, records: &Records) -> PathBuf {
    match purpose {
        Purpose::Keep if !is_a_look(records) => bench.to_owned(),
        _ => bench.join("target/report"),
    }
}

/// Whether the records say of themselves that they are of a quick run.
fn is_a_look(records: &Records) -> bool {
    records.head.iter().any(|(name, value)| name == "run" && value.starts_with("quick"))
}

/// Those of groups that are no longer measured would stay for ever.
fn remove_old_charts(folder: &Path) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| failed("read", folder, &error))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "svg") {
            fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))?;
        }
    }
    Ok(())
}

fn failed(what: &str, path: &Path, error: &dyn Display) -> String {
    format!("cannot {what} {}: {error}", path.display())
}

/// The files of the report, by their names in its folder.
fn render(records: &Records) -> Vec<(String, String)> {
    let views: Vec<_> = records.groups.iter().map(|group| View::new(group, records)).collect();
    let mut files = vec![(DOCUMENT.to_owned(), document::write(&records.head, &views))];
    for view in views.iter().filter(|view| !view.is_empty()) {
        files.push((chart_of(view), chart::draw(view)));
    }
    files
}

/// Where a group's chart lies, from the document.
fn chart_of(view: &View<'_>) -> String {
    format!("{CHARTS}/{}.svg", view.group.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_records_give_the_same_bytes_also_by_way_of_the_file() {
        let records = sample::records();
        let json = serde_json::to_string(&records).unwrap();
        let read: Records = serde_json::from_str(&json).unwrap();
        assert_eq!(read, records);
        assert_eq!(render(&read), render(&records));
    }

    #[test]
    fn every_group_has_a_chart_that_the_document_shows() {
        let files = render(&sample::records());
        let (_, document) = &files[0];
        let names: Vec<_> = files.iter().skip(1).map(|(name, _)| name).collect();
        assert_eq!(names, ["charts/memory-get.svg", "charts/flush.svg"]);
        for name in names {
            assert!(document.contains(&format!("]({name})")), "{name}");
        }
    }

    #[test]
    fn a_look_never_replaces_a_measurement() {
        let mut records = sample::records();
        let folder = |purpose, records: &Records| folder(Path::new("bench"), purpose, records);
        let (kept, looked_at) = (PathBuf::from("bench"), PathBuf::from("bench/target/report"));
        assert_eq!(folder(Purpose::Keep, &records), kept);
        assert_eq!(folder(Purpose::Look, &records), looked_at);
        records.head.push(("run".to_owned(), "quick: a look, not a measurement".to_owned()));
        assert_eq!(folder(Purpose::Keep, &records), looked_at);
    }
}
