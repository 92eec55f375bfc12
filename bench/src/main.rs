//! Measures the drivers against the raw parts beneath them: `cargo xtask bench`.
//!
//! Each section prints its tables and notes what it found about each target; the list of targets at
//! the end says which were met. A missed target is no failure; what is wrong is: a load that ran
//! twice, memory that did not come back.

mod args;
mod awake;
mod codec;
mod expiry;
mod fixture;
mod head;
mod heap;
mod herd;
mod hits;
mod http;
mod locks;
mod peers;
mod processors;
mod race;
mod redis;
mod table;
mod tags;
mod ttl;
mod turns;
mod verdict;
mod zipf;

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

use bench_report::Purpose;
use bench_report::{record, spread};

use crate::args::{Effort, Request, Section};
use crate::fixture::Fixture;
use crate::processors::Time;
use crate::record::Records;
use crate::verdict::Findings;

fn main() -> ExitCode {
    let options = match args::parse(std::env::args().skip(1)) {
        Ok(Request::Run(options)) => options,
        Ok(Request::Report(effort)) => return report(effort),
        Ok(Request::Help) => {
            println!("{}", args::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(misuse) => {
            eprintln!("error: {misuse}\n\n{}", args::USAGE);
            return ExitCode::from(2);
        }
    };
    let fixture = Fixture::new();
    let head = head::lines(&options, &fixture);
    head::print(&head);
    let start = Time::so_far();
    let mut records = Records { head, ..Records::default() };
    let mut findings = Findings::default();
    for section in &options.sections {
        println!("\n== {section} ==");
        match section {
            Section::Hits => hits::run(&fixture, options.effort, &mut findings),
            Section::Tags => tags::run(&fixture, options.effort, &mut findings),
            Section::Shape => codec::run(&fixture, options.effort, &mut findings),
            Section::Herd => herd::run(options.effort, &mut findings),
            Section::Expiry => expiry::run(options.effort, &mut findings),
            Section::Redis => redis::run(&fixture, options.effort, &mut findings),
            Section::Locks => locks::run(options.effort, &mut findings),
            Section::Http => http::run(options.effort, &mut findings),
            Section::Ttl => ttl::run(&fixture, options.effort, &mut findings),
            Section::PeersMemory => {
                peers::memory::run(&fixture, options.effort, &mut records, &mut findings);
            }
            Section::PeersRedis => {
                peers::redis::run(&fixture, options.effort, &mut findings, &mut records);
            }
        }
    }
    findings.print();
    let stolen = head::stolen_since(start);
    println!();
    head::print(std::slice::from_ref(&stolen));
    records.head.push(stolen);
    if !findings.is_sound() {
        return ExitCode::FAILURE;
    }
    // Of some sections there would be half a report, in the place of a whole one.
    if !options.is_everything() {
        return ExitCode::SUCCESS;
    }
    if let Err(error) = write(&records) {
        eprintln!("error: {RECORDS} cannot be written: {error}");
        return ExitCode::FAILURE;
    }
    report(options.effort)
}

/// Where the report finds what was measured beside peers.
const RECORDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/records.json");

/// Writes what was measured beside peers, in place of what an earlier run has written.
fn write(records: &Records) -> io::Result<()> {
    if let Some(folder) = Path::new(RECORDS).parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(RECORDS, serde_json::to_string_pretty(records)?)
}

/// Writes the report on what was recorded last.
fn report(effort: Effort) -> ExitCode {
    let purpose = effort.pick(Purpose::Keep, Purpose::Look);
    match bench_report::write(Path::new(env!("CARGO_MANIFEST_DIR")), purpose) {
        Ok(path) => {
            println!("\nreport    {}", path.display());
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("error: no report: {failure}");
            ExitCode::FAILURE
        }
    }
}
