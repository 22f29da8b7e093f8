//! A cheap look at whether anything has happened to the vault's file.
//!
//! Walking its path costs more than the rest of a read. What other processes of Latchkey do to a file shows in the file
//! itself, so an open one tells as much: a write makes it longer, another file in its place or its removal take a link from
//! it, and moving it changes its change time. A folder that is moved away with the file in it does not show here; the next
//! write looks at the path and finds it.
#![forbid(unsafe_code)]

use super::disk::{Look, Stamp, Stat};
use super::shared::{read, write};
use std::sync::RwLock;

/// The file at the path, held open to look at.
#[derive(Debug, Default)]
pub(super) struct Glance(RwLock<Option<Held>>);

#[derive(Debug)]
struct Held {
    file: Box<dyn Look>,
    /// How the file was when it stood at its path. `None` until that was seen.
    stamp: Option<Stamp>,
}

impl Glance {
    /// Whether the file `seen` stands at its path as it was seen, by `stat_path` where the open file does not tell.
    ///
    /// # Errors
    /// Those of `stat_path`.
    pub(super) fn is_current<E>(
        &self,
        seen: Stat,
        stat_path: impl FnOnce() -> Result<Stat, E>,
        open: impl FnOnce() -> Option<Box<dyn Look>>,
    ) -> Result<bool, E> {
        // Before the path is looked at: whatever happens after that differs from this.
        let (known, now) = match &*read(&self.0) {
            Some(held) => (held.stamp, held.file.stamp().ok()),
            None => (None, None),
        };
        let is_same = |stamp: &Stamp| stamp.stat == seen;
        if known
            .filter(is_same)
            .is_some_and(|known| now == Some(known))
        {
            return Ok(true);
        }
        let is_current = stat_path()? == seen;
        if is_current {
            let mut held = write(&self.0);
            match (&mut *held, now.filter(is_same)) {
                (Some(held), Some(now)) => held.stamp = Some(now),
                (held, _) => *held = open().map(|file| Held { file, stamp: None }),
            }
        }
        Ok(is_current)
    }

    /// Closes the file.
    pub(super) fn close(&self) {
        *write(&self.0) = None;
    }
}
