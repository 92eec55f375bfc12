//! What can be asked for on the command line.

use std::fmt;

pub(crate) const USAGE: &str = "\
Measures the drivers against the raw parts beneath them.

usage: cargo xtask bench [--quick] [SECTION]...
       cargo xtask bench report [--quick]

  report    measure nothing: write REPORT.md and its charts once more, from what the last run left
  --quick   fewer rounds and smaller numbers: a look, not a measurement; its report goes to target/report/
  SECTION   hits, tags, shape, herd, expiry, redis, locks, http, ttl,
            peers-memory or peers-redis; all of them unless said";

pub(crate) enum Request {
    Run(Options),
    Report(Effort),
    Help,
}

pub(crate) struct Options {
    pub(crate) effort: Effort,
    pub(crate) sections: Vec<Section>,
}

/// How much is repeated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    Full,
    Quick,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Hits,
    Tags,
    Shape,
    Herd,
    Expiry,
    Redis,
    Locks,
    Http,
    Ttl,
    PeersMemory,
    PeersRedis,
}

impl Section {
    const ALL: [Self; 11] = [
        Self::Hits,
        Self::Tags,
        Self::Shape,
        Self::Herd,
        Self::Expiry,
        Self::Redis,
        Self::Locks,
        Self::Http,
        Self::Ttl,
        Self::PeersMemory,
        Self::PeersRedis,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Hits => "hits",
            Self::Tags => "tags",
            Self::Shape => "shape",
            Self::Herd => "herd",
            Self::Expiry => "expiry",
            Self::Redis => "redis",
            Self::Locks => "locks",
            Self::Http => "http",
            Self::Ttl => "ttl",
            Self::PeersMemory => "peers-memory",
            Self::PeersRedis => "peers-redis",
        }
    }
}

impl Options {
    /// Whether the whole of the benchmarks is run, as a report needs it.
    pub(crate) fn is_everything(&self) -> bool {
        self.sections == Section::ALL
    }
}

impl Effort {
    /// The greater number for a measurement, the smaller one for a look.
    pub(crate) fn pick<T>(self, full: T, quick: T) -> T {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}

pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Request, String> {
    let mut options = Options { effort: Effort::Full, sections: Vec::new() };
    let mut only_report = false;
    for arg in args {
        match arg.as_str() {
            "--quick" => options.effort = Effort::Quick,
            "--help" | "-h" => return Ok(Request::Help),
            "report" => only_report = true,
            name => match Section::ALL.into_iter().find(|section| section.name() == name) {
                Some(section) => options.sections.push(section),
                None => return Err(format!("there is no section {name:?}")),
            },
        }
    }
    if only_report {
        return match options.sections[..] {
            [] => Ok(Request::Report(options.effort)),
            [section, ..] => Err(format!("`report` measures nothing, and so not {section}")),
        };
    }
    if options.sections.is_empty() {
        options.sections.extend(Section::ALL);
    }
    Ok(Request::Run(options))
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pick("full", "quick: a look, not a measurement"))
    }
}
