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
mod peers;
mod race;
#[allow(dead_code, reason = "filled by what is measured beside peers")]
mod record;
mod redis;
mod spread;
mod table;
mod tags;
mod ttl;
mod verdict;
mod zipf;

use std::process::ExitCode;

use crate::args::{Request, Section};
use crate::fixture::Fixture;
use crate::record::Records;
use crate::verdict::Findings;

fn main() -> ExitCode {
    let options = match args::parse(std::env::args().skip(1)) {
        Ok(Request::Run(options)) => options,
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
    let mut records = Records::default();
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
            Section::PeersRedis => {
                peers::redis::run(&fixture, options.effort, &mut findings, &mut records);
            }
        }
    }
    findings.print();
    if findings.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
