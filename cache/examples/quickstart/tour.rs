//! Asks the service one thing after another, and prints what became of it.

use std::fmt;
use std::time::{Duration, Instant};

use cache::prelude::*;
use tokio::task::JoinSet;

use crate::scan::Mentions;
use crate::{Failure, Search, key};

pub(crate) struct Tour {
    search: Search,
    /// How long each scan took that this tour waited for.
    scans: Vec<Duration>,
}

impl Tour {
    pub(crate) fn new(search: Search) -> Self {
        Self { search, scans: Vec::new() }
    }

    pub(crate) async fn run(mut self, questions: [String; 4]) -> Result<(), Failure> {
        let [first, second, third, popular] = &questions;
        self.misses_become_hits([first, second, third]).await?;
        self.a_herd_scans_once(popular).await?;
        self.no_answer_is_an_answer().await?;
        self.answers_expire(popular).await?;
        self.changes_are_told(first).await?;
        self.mistakes_are_refused(first).await?;
        self.summary().await
    }

    async fn misses_become_hits(&mut self, words: [&str; 3]) -> Result<(), Failure> {
        heading("remember: the first time is a miss, from then on it is a hit");
        for word in words {
            self.ask(word, "10m").await?;
            self.ask(word, "10m").await?;
        }
        Ok(())
    }

    async fn a_herd_scans_once(&mut self, word: &str) -> Result<(), Failure> {
        const HERD: usize = 50;
        heading("A herd: many ask the same new question at once, one scan answers them all");
        let (scans, start) = (self.scans_so_far(), Instant::now());
        let mut herd = JoinSet::new();
        for _ in 0..HERD {
            let (search, word) = (self.search.clone(), word.to_owned());
            herd.spawn(async move { search.mentions(&word, "10m").await });
        }
        while let Some(asked) = herd.join_next().await {
            asked??;
        }
        let (scans, took) = (self.scans_so_far() - scans, Took(start.elapsed()));
        println!("  {word:16}  herd  {took:>9}   asked: {HERD}, scans: {scans}");
        Ok(())
    }

    async fn no_answer_is_an_answer(&mut self) -> Result<(), Failure> {
        heading("A cached `None` is a hit: that there is no answer is known, too");
        // In pieces, so that this file does not mention it.
        let absent = ["nowhere", "to", "be", "found"].concat();
        self.ask(&absent, "10m").await?;
        self.ask(&absent, "10m").await?;
        Ok(())
    }

    async fn answers_expire(&mut self, word: &str) -> Result<(), Failure> {
        heading("TTL: an answer that may live for 300 ms, and the same question 350 ms later");
        self.search.outdated(word).await?;
        self.ask(word, "300ms").await?;
        self.ask(word, "300ms").await?;
        tokio::time::sleep(Duration::from_millis(350)).await;
        self.ask(word, "300ms").await?;
        Ok(())
    }

    async fn changes_are_told(&mut self, word: &str) -> Result<(), Failure> {
        heading("forget: say that a file has changed, and the next answer is a fresh one");
        self.ask(word, "10m").await?;
        let was_known = self.search.outdated(word).await?;
        println!("  {word:16}  forgotten: {was_known}");
        self.ask(word, "10m").await?;
        Ok(())
    }

    async fn mistakes_are_refused(&mut self, word: &str) -> Result<(), Failure> {
        let cache = &self.search.cache;
        heading("Mistakes are errors, and harm nothing");
        println!("  cache.put(\"answer\", &42, \"10 months\")");
        refusal(cache.put("answer", &42, "10 months").await);
        println!("  cache.get::<u64>({:?}), where an answer is stored", key(word));
        refusal(cache.get::<u64>(key(word)).await);
        Ok(())
    }

    async fn summary(&self) -> Result<(), Failure> {
        let cache = &self.search.cache;
        let questions = cache.get::<u64>("questions").await?.unwrap_or(0);
        let stats = cache.stats();
        let hits = questions.saturating_sub(stats.loads + stats.waits);
        let scan = self.average_scan();
        let saved = scan.saturating_mul(u32::try_from(hits).unwrap_or(u32::MAX));
        heading("Summary");
        println!("  questions  {questions:4}   counted with cache.increment(\"questions\")");
        println!("  scans      {:4}   {} each, on average", stats.loads, Took(scan));
        println!("  waits      {:4}   for a scan that another had begun", stats.waits);
        println!("  hits       {hits:4}   which saved about {} of scanning", Took(saved));
        Ok(())
    }

    /// Asks one question, and prints a row about it.
    async fn ask(&mut self, word: &str, ttl: impl IntoTtl) -> Result<(), Failure> {
        let (scans, start) = (self.scans_so_far(), Instant::now());
        let answer = self.search.mentions(word, ttl).await?;
        let took = start.elapsed();
        let is_hit = self.scans_so_far() == scans;

        let outcome = if is_hit { "hit" } else { "miss" };
        print!("  {word:16}  {outcome:4}  {:>9}   ", Took(took));
        match answer {
            None => print!("no file mentions it"),
            Some(Mentions { files, times, .. }) if is_hit => {
                print!("mentions: {times}, files: {files}");
            }
            Some(Mentions { files, times, first }) => {
                print!("mentions: {times}, files: {files}, first: {first}");
            }
        }
        if is_hit {
            let factor = self.average_scan().as_secs_f64() / took.as_secs_f64().max(1e-9);
            println!(" ({factor:.0} times as fast as a scan)");
        } else {
            self.scans.push(took);
            println!();
        }
        Ok(())
    }

    /// The cache counts the loads that `remember` has run: here, the scans.
    fn scans_so_far(&self) -> u64 {
        self.search.cache.stats().loads
    }

    fn average_scan(&self) -> Duration {
        let count = u32::try_from(self.scans.len()).unwrap_or(u32::MAX);
        self.scans.iter().sum::<Duration>() / count.max(1)
    }
}

fn heading(text: &str) {
    println!("\n{text}");
}

/// Prints an error as its user sees it.
fn refusal<T: fmt::Debug>(result: Result<T, cache::Error>) {
    match result {
        Err(error) => println!("    {error}"),
        Ok(taken) => println!("    not refused: {taken:?}"),
    }
}

/// A time that people can read.
struct Took(Duration);

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        f.pad(&match seconds {
            ..0.001 => format!("{:.1} µs", seconds * 1e6),
            ..1.0 => format!("{:.1} ms", seconds * 1e3),
            _ => format!("{seconds:.1} s"),
        })
    }
}
