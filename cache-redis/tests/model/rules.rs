//! Which values a read may be given, and which it must be given.

use std::collections::HashSet;

use super::client::Value;
use super::history::{Event, Saw, Span, What};

/// The events of a round that bear on the value of one key, by what they do.
pub(crate) struct Judge {
    key: usize,
    events: Vec<Event>,
    writes: Vec<Write>,
    flushes: Vec<(Span, u8)>,
}

#[derive(Clone, Copy)]
struct Write {
    span: Span,
    value: Value,
    tags: u8,
    since: u64,
    is_loaded: bool,
}

/// What the round has shown.
#[derive(Default)]
pub(crate) struct Shown {
    /// Reads that had to be given one very value.
    pub(crate) visible: usize,
    /// Reads that were given a value or something.
    pub(crate) hits: usize,
    pub(crate) misses: usize,
}

impl Shown {
    pub(crate) fn add(&mut self, other: &Self) {
        self.visible += other.visible;
        self.hits += other.hits;
        self.misses += other.misses;
    }
}

impl Judge {
    pub(crate) fn of(events: &[Event], of: usize) -> Self {
        let mut concerns = events.to_vec();
        concerns.retain(|event| match event.what {
            What::Write { key, .. } | What::Removal { key } | What::Read { key, .. } => key == of,
            What::Flush { .. } => true,
            _ => false,
        });
        let writes = concerns.iter().filter_map(|event| match event.what {
            What::Write { value, tags, since, is_loaded, .. } => {
                Some(Write { span: event.span, value, tags, since, is_loaded })
            }
            _ => None,
        });
        let flushes = concerns.iter().filter_map(|event| match event.what {
            What::Flush { tags } => Some((event.span, tags)),
            _ => None,
        });
        let (writes, flushes) = (writes.collect(), flushes.collect());
        Self { key: of, events: concerns, writes, flushes }
    }

    pub(crate) fn check(&self) -> Shown {
        let mut shown = Shown::default();
        for Event { span, what } in &self.events {
            let What::Read { saw, .. } = *what else { continue };
            match saw {
                Saw::Nothing => shown.misses += 1,
                _ => shown.hits += 1,
            }
            let wrong = self.served(*span, saw).err();
            let wrong = wrong.or_else(|| self.missed(*span, saw, &mut shown).err());
            if let Some(wrong) = wrong {
                panic!("{span:?} saw {saw:?} at key {}: {wrong}\n{}", self.key, self.story(*span));
            }
        }
        shown
    }

    /// The tags under which a value was written.
    pub(crate) fn tags_of(&self, value: Value) -> Option<u8> {
        self.writes.iter().find(|write| write.value == value).map(|write| write.tags)
    }

    /// Nothing is served that must not be.
    fn served(&self, read: Span, saw: Saw) -> Result<(), String> {
        match saw {
            Saw::Nothing => Ok(()),
            Saw::Value(value) => {
                let write = self.writes.iter().find(|write| write.value == value);
                self.may_serve(read, write.ok_or("it was not there to be read")?)
            }
            // Its own write is none that it can have met.
            Saw::Something => self
                .writes
                .iter()
                .filter(|write| write.span.call != read.call)
                .any(|write| self.may_serve(read, write).is_ok())
                .then_some(())
                .ok_or_else(|| "nothing can have been there".to_owned()),
        }
    }

    fn may_serve(&self, read: Span, write: &Write) -> Result<(), String> {
        if write.span.begun > read.ended {
            return Err("it was not written yet".to_owned());
        }
        // A put that a flush meets may come after it, unless it was given up: then it knows of no later versions
        // than those of that time. A load has read its data when it began, whenever it stores them.
        let known = if write.is_loaded { write.since } else { write.span.ended };
        let flushed = self.flushes.iter().find(|(flush, tags)| {
            tags & write.tags != 0
                && !flush.is_dropped
                && known < flush.begun
                && flush.ended < read.begun
        });
        if let Some((flush, tags)) = flushed {
            return Err(format!("its tags were flushed: {flush:?} of {tags:03b}"));
        }
        let replaced = self.changes().find(|change| {
            // What this process changes while it loads wins.
            let over = if write.is_loaded && change.client == write.span.client {
                write.since
            } else {
                write.span.over_for(change.client)
            };
            change.call != write.span.call && over < change.begun && change.ended < read.begun
        });
        match replaced {
            Some(change) => Err(format!("it was replaced or removed: {change:?}")),
            None => Ok(()),
        }
    }

    /// Changes of the key that have certainly been made.
    fn changes(&self) -> impl Iterator<Item = Span> {
        let changes = self.events.iter().filter(|event| match event.what {
            What::Write { is_loaded, .. } => !is_loaded,
            What::Removal { .. } => true,
            _ => false,
        });
        changes.map(|event| event.span).filter(|span| !span.is_dropped)
    }

    /// What was written, and cannot have been removed or replaced since, is found.
    fn missed(&self, read: Span, saw: Saw, shown: &mut Shown) -> Result<(), String> {
        let written = self.writes.iter().find(|write| {
            !write.span.is_dropped
                && !write.is_loaded
                && write.span.ended < read.begun
                && !self.is_disturbed(read, write)
        });
        let Some(write) = written else { return Ok(()) };
        shown.visible += 1;
        match saw {
            Saw::Something => Ok(()),
            saw if saw == Saw::Value(write.value) => Ok(()),
            _ => Err(format!("{:?} was to be found: {:?}", write.value, write.span)),
        }
    }

    /// Whether something may have removed or replaced what was written by the time of a read.
    fn is_disturbed(&self, read: Span, write: &Write) -> bool {
        let meets = |span: &Span, over: u64| {
            span.call != read.call
                && span.call != write.span.call
                && over > write.span.begun
                && span.begun < read.ended
        };
        self.events.iter().any(|Event { span, what }| match *what {
            What::Write { .. } | What::Removal { .. } => {
                meets(span, span.over_for(write.span.client))
            }
            What::Flush { tags } => tags & write.tags != 0 && meets(span, span.over()),
            _ => false,
        })
    }

    /// What happened before a read ended.
    fn story(&self, read: Span) -> String {
        let mut before = self.events.clone();
        before.retain(|event| event.span.begun < read.ended);
        before.sort_by_key(|event| event.span.begun);
        let lines = before.iter().map(|Event { span, what }| {
            let dropped = if span.is_dropped { " dropped" } else { "" };
            format!("{}..{} client {}{dropped}: {what:?}\n", span.begun, span.ended, span.client)
        });
        lines.collect()
    }
}

/// Nothing that is pulled is pulled again, by anyone.
#[derive(Default)]
pub(crate) struct Pulled(HashSet<Value>);

impl Pulled {
    pub(crate) fn note(&mut self, value: Value) {
        assert!(self.0.insert(value), "{value:?} was pulled twice");
    }
}
