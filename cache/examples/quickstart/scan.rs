//! The expensive part: reads a whole folder from disk. Nothing in here knows of a cache.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, DirEntry};
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What counts as a source file.
pub(crate) const EXTENSIONS: &[&str] = &[
    "c", "cc", "cpp", "cs", "css", "go", "h", "hpp", "html", "java", "js", "kt", "lua", "md",
    "php", "py", "rb", "rs", "scala", "sh", "sql", "swift", "toml", "ts", "tsx", "txt", "yaml",
    "yml",
];

/// What others have made, or a tool: left out, as is every folder whose name begins with a dot.
const LEFT_OUT: &[&str] = &["build", "dist", "node_modules", "target", "vendor"];

/// What a folder holds.
pub(crate) struct Survey {
    pub(crate) files: usize,
    pub(crate) lines: usize,
    /// Files that could not be read or are not UTF-8, and folders that could not be read.
    pub(crate) skipped: usize,
    /// The words that occur most often, the most frequent first.
    pub(crate) common: Vec<String>,
}

/// Where a word occurs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Mentions {
    pub(crate) files: usize,
    pub(crate) times: usize,
    /// The first mention, as `file:line`.
    pub(crate) first: String,
}

/// Counts the files, the lines and the words of `folder`.
pub(crate) fn survey(folder: &Path) -> io::Result<Survey> {
    let (mut files, mut lines) = (0, 0);
    let mut counts = HashMap::<String, usize>::new();
    let skipped = read_each(folder, &mut |_, text| {
        files += 1;
        lines += text.lines().count();
        for word in words(text).filter(|word| (5..=16).contains(&word.len())) {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
    })?;
    let mut counted: Vec<_> = counts.into_iter().collect();
    counted.sort_by(|(a, times_a), (b, times_b)| times_b.cmp(times_a).then(a.cmp(b)));
    let common = counted.into_iter().map(|(word, _)| word).take(10).collect();
    Ok(Survey { files, lines, skipped, common })
}

/// Reads every source file of `folder` for `word`; `None` if no file mentions it.
pub(crate) fn mentions(folder: &Path, word: &str) -> io::Result<Option<Mentions>> {
    let mut found: Option<Mentions> = None;
    read_each(folder, &mut |path, text| {
        let times = words(text).filter(|&other| other == word).count();
        if times == 0 {
            return;
        }
        let found = found.get_or_insert_with(|| {
            let before = text.lines().take_while(|line| words(line).all(|other| other != word));
            let file = path.strip_prefix(folder).unwrap_or(path).display();
            Mentions { files: 0, times: 0, first: format!("{file}:{}", before.count() + 1) }
        });
        found.files += 1;
        found.times += times;
    })?;
    Ok(found)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// Shows the source files beneath `folder` to `visit`, always in the same order. Returns how many
/// were skipped because they cannot be read as text. Links are not followed.
fn read_each(folder: &Path, visit: &mut dyn FnMut(&Path, &str)) -> io::Result<usize> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(DirEntry::file_name);
    let mut skipped = 0;
    for entry in entries {
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() && !is_left_out(&entry.file_name()) {
            skipped += read_each(&path, visit).unwrap_or(1);
        } else if kind.is_file() && is_source(&path) {
            match fs::read_to_string(&path) {
                Ok(text) => visit(&path, &text),
                Err(_) => skipped += 1,
            }
        }
    }
    Ok(skipped)
}

fn is_left_out(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with('.') || LEFT_OUT.contains(&name))
}

fn is_source(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|found| EXTENSIONS.contains(&found))
}
