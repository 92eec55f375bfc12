//! The instructions of each path, and what they were counted with: as TOML, in a file that is committed.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

use super::BLESS;

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Baseline {
    pub(crate) counted_with: Tools,
    /// Of one operation, by the name of the path.
    pub(crate) instructions: BTreeMap<String, f64>,
}

/// What the counts depend on, besides the code and its lock file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tools {
    /// Inlines, and knows the processor.
    pub(crate) compiler: String,
    /// Allocates and copies.
    pub(crate) libc: String,
    /// Says which instructions the processor has.
    pub(crate) valgrind: String,
}

impl Baseline {
    pub(crate) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }
}

impl Tools {
    /// Those that are not the same, in words.
    pub(crate) fn differences(&self, now: &Self) -> Vec<String> {
        let pairs = [
            (&self.compiler, &now.compiler),
            (&self.libc, &now.libc),
            (&self.valgrind, &now.valgrind),
        ];
        let differing = pairs.into_iter().filter(|(before, now)| before != now);
        differing.map(|(before, now)| format!("{now} instead of {before}")).collect()
    }
}

/// The file.
impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tools { compiler, libc, valgrind } = &self.counted_with;
        writeln!(f, "# Instructions of one operation, on the hot paths of bench/gate. Written by")?;
        writeln!(f, "# `{BLESS}`; whoever does says why in the commit.\n")?;
        writeln!(f, "[counted-with]")?;
        for (name, value) in [("compiler", compiler), ("libc", libc), ("valgrind", valgrind)] {
            writeln!(f, "{name} = {}", Literal(value))?;
        }
        writeln!(f, "\n[instructions]")?;
        for (path, instructions) in &self.instructions {
            writeln!(f, "{} = {instructions:.1}", Literal(path))?;
        }
        Ok(())
    }
}

/// Text as TOML has it between single quotes, where nothing is escaped.
struct Literal<'a>(&'a str);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it cannot hold is in no name of a path, and in no version.
        write!(f, "'{}'", self.0.replace('\'', "’").replace('\n', " "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let tools = |compiler: &str| Tools {
            compiler: compiler.to_owned(),
            libc: "glibc 2.36".to_owned(),
            valgrind: "valgrind-3.19.0".to_owned(),
        };
        let instructions = [("ttl: \"30m\"".to_owned(), 157.1), ("has".to_owned(), 477.0)];
        let baseline =
            Baseline { counted_with: tools("rustc 1.95.0"), instructions: instructions.into() };
        assert_eq!(Baseline::parse(&baseline.to_string()).unwrap(), baseline);
        assert_eq!(tools("a").differences(&tools("b")), ["b instead of a"]);
    }

    #[test]
    fn a_file_that_is_something_else_is_refused() {
        for text in ["", "[instructions]\nhas = 1.0", "[counted-with]\ncompiler = 'rustc'"] {
            assert!(Baseline::parse(text).is_err(), "{text}");
        }
    }
}
