//! What an import did, or would do. Holds names, never a value.
#![forbid(unsafe_code)]

use std::path::PathBuf;

/// What became of one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is in the vault, or would be after a run that is not dry.
    Imported,
    /// Nothing was done: it was imported before, or the vault has a value there already.
    Present,
    /// It cannot be read. Everything else was imported.
    Damaged,
    /// It was left out on purpose, or there is nothing.
    Skipped,
}

impl Status {
    /// The name in JavaScript.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Present => "present",
            Self::Damaged => "damaged",
            Self::Skipped => "skipped",
        }
    }
}

/// One entry of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The source's place in the list that was given, from 0.
    pub source: usize,
    /// The entry's name there: a key of the file (for a damaged value inside it, its path with dots), an account of keytar.
    /// `None` when it is about the source as a whole.
    pub key: Option<String>,
    /// What became of it.
    pub status: Status,
    /// Why, in a few words, where that is not plain.
    pub reason: Option<&'static str>,
}

/// A file that was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The source's place in the list that was given, from 0.
    pub source: usize,
    /// Its new name, in the same folder.
    pub to: PathBuf,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Every entry of every source.
    pub entries: Vec<Entry>,
    /// The files that were put aside. Empty in a dry run.
    pub renamed: Vec<Renamed>,
}
