//! Measures the drivers against the raw parts beneath them: `cargo xtask bench`.
//!
//! Each section prints its tables and notes what it found about each target; the list of targets at
//! the end says which were met. A missed target is no failure; what is wrong is: a load that ran
//! twice, memory that did not come back.

mod args;
mod codec;
mod expiry;
mod fixture;
mod head;
mod heap;
mod herd;
mod hits;
mod http;
mod locks;
mod race;
mod redis;
mod table;
mod tags;
mod ttl;
mod verdict;
mod zipf;

use std::path::Path;
use std::process::ExitCode;

use bench_report::Purpose;
#[allow(unused_imports, reason = "filled by what is measured beside peers")]
use bench_report::record;
use bench_report::spread;

use crate::args::{Effort, Request, Section};
use crate::fixture::Fixture;
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
    head::print(&options, &fixture);
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
        }
    }
    findings.print();
    if !findings.is_sound() {
        return ExitCode::FAILURE;
    }
    // Of some sections there would be half a report, in the place of a whole one.
    if options.is_everything() { report(options.effort) } else { ExitCode::SUCCESS }
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
