//! Which files mention a word? To answer, a whole folder is read from disk; so the answers are cached.
//!
//! ```text
//! cargo run --example quickstart                # asks about this repository
//! cargo run --example quickstart -- FOLDER      # asks about a folder of yours, and leaves it alone
//! ```
//!
//! `CACHE_URL` chooses what lies beneath the cache: `memory:` unless said. On a server it flushes what lies under the
//! prefix `quickstart`, whichever the URL names, and touches nothing else.
//!
//! [`Search`] is the service, with all that it takes to cache its answers. `scan.rs` is the work that
//! is worth caching, `tour.rs` asks the service questions and prints what became of them.

mod scan;
mod tour;

use std::env::{self, VarError};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use cache::CacheConfig;
use cache::prelude::*;
use tokio::task::spawn_blocking;

use crate::scan::{Mentions, Survey};
use crate::tour::Tour;

/// Any error at all. A type of your own does as well: all that `remember` asks of it is `Display`, and
/// `From<cache::Error>`.
type Failure = Box<dyn Error + Send + Sync>;

/// What its keys begin with on a server. Not what the URL names: that may be a cache that somebody needs.
const PREFIX: &str = "quickstart";

/// Answers questions about a folder. A clone is the same service, on the same cache.
#[derive(Clone)]
struct Search {
    cache: Cache,
    folder: Arc<Path>,
}

impl Search {
    /// Which files mention `word`? From the cache, or else from disk.
    async fn mentions(&self, word: &str, ttl: impl IntoTtl) -> Result<Option<Mentions>, Failure> {
        self.cache.increment("questions").await?;
        self.cache
            .remember(key(word), ttl, async || {
                let (folder, word) = (Arc::clone(&self.folder), word.to_owned());
                Ok(spawn_blocking(move || scan::mentions(&folder, &word)).await??)
            })
            .await
    }

    /// A file has changed: what is known about `word` is out of date. Returns whether anything was.
    async fn outdated(&self, word: &str) -> Result<bool, Failure> {
        Ok(self.cache.forget(key(word)).await?)
    }
}

/// Where the answer about `word` is kept.
fn key(word: &str) -> String {
    format!("mentions:{word}")
}

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = env::args_os().skip(1);
    let folder = arguments.next().map(PathBuf::from);
    let is_option = folder.as_ref().is_some_and(|folder| folder.to_string_lossy().starts_with('-'));
    if is_option || arguments.next().is_some() {
        eprintln!("usage: cargo run --example quickstart [-- FOLDER]");
        return ExitCode::from(2);
    }
    match run(&folder.unwrap_or_else(this_repository)).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Where this example was built; where it is run, if that is no longer there.
fn this_repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().filter(|root| root.is_dir());
    root.map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

async fn run(folder: &Path) -> Result<(), Failure> {
    let survey = survey(folder)?;
    let url = match env::var("CACHE_URL") {
        Err(VarError::NotPresent) => "memory:".to_owned(),
        given => given.map_err(|error| format!("CACHE_URL cannot be used: {error}"))?,
    };
    let cache =
        connect(&url).await.map_err(|error| format!("CACHE_URL cannot be used: {error}"))?;
    // A server may still hold what an earlier run has stored there.
    cache.flush().await?;

    println!("Which files mention a word? Answers that cost a scan of the whole folder, cached.\n");
    println!("  folder   {}", folder.display());
    println!("  sources  files: {}, lines: {}", survey.files, survey.lines);
    println!("  skipped  files that cannot be read as text: {}", survey.skipped);
    // The driver's name alone: a URL may hold a password.
    let driver = url.split(':').next().unwrap_or_default();
    println!("  cache    {driver}, under the prefix `{PREFIX}` alone;");
    println!("           that has been flushed, so that every run begins with nothing\n");
    println!("  miss     the answer was not in the cache: the folder was read");
    println!("  hit      it was: nothing was read");

    let search = Search { cache: cache.clone(), folder: folder.into() };
    Tour::new(search).run(questions(&survey)).await?;
    Ok(cache.close().await?)
}

async fn connect(url: &str) -> Result<Cache, cache::Error> {
    CacheConfig::from_url(url)?.prefix(PREFIX).connect().await
}

/// A first look at the folder, or why there is nothing to ask about it.
fn survey(folder: &Path) -> Result<Survey, Failure> {
    let shown = folder.display();
    let survey = scan::survey(folder)
        .map_err(|error| format!("the folder `{shown}` cannot be read: {error}"))?;
    if survey.files > 0 {
        return Ok(survey);
    }
    let (skipped, extensions) = (survey.skipped, scan::EXTENSIONS.join(" "));
    Err(format!(
        "the folder `{shown}` holds no source file that can be read (skipped: {skipped}); \
         those end in one of: {extensions}"
    )
    .into())
}

/// What to ask for: the words that occur most often, and others where those are too few.
fn questions(survey: &Survey) -> [String; 4] {
    let mut words = survey.common.clone();
    for other in ["cache", "error", "main", "todo"].map(String::from) {
        if !words.contains(&other) {
            words.push(other);
        }
    }
    std::array::from_fn(|n| words[n].clone())
}
