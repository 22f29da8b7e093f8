//! Records of Latchkey's own, beside the application's values: read, and changed on what every process has written.
#![forbid(unsafe_code)]

use super::batch::{Entry, Op, Space};
use super::contents::Contents;
use super::disk::Disk;
use super::shared::{gone, read};
use super::watch::Listeners;
use super::{Value, Vault, put};
use crate::{Error, Result};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

/// A change of records: all of it or, on an error, nothing.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    puts: Vec<(String, Value)>,
    app_puts: Vec<(String, Value)>,
    removes: Vec<String>,
    anchored: bool,
    traceless: bool,
}

impl Edit {
    pub(crate) fn put(mut self, key: &str, value: Value) -> Self {
        self.puts.push((key.to_owned(), value));
        self
    }

    pub(crate) fn remove(mut self, key: &str) -> Self {
        self.removes.push(key.to_owned());
        self
    }

    /// Stores a value of the application's in the same step.
    pub(crate) fn put_app(mut self, key: &str, value: Value) -> Self {
        self.app_puts.push((key.to_owned(), value));
        self
    }

    /// Whether it stores a record under `key`.
    pub(crate) fn puts(&self, key: &str) -> bool {
        self.puts.iter().any(|(name, _)| name == key)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.puts.is_empty() && self.app_puts.is_empty() && self.removes.is_empty()
    }

    /// Makes every copy of the file from before an old one.
    pub(crate) fn anchored(mut self) -> Self {
        self.anchored = true;
        self
    }

    /// Rewrites the file, so that what was replaced or removed is gone from it in its sealed form too.
    pub(crate) fn traceless(mut self) -> Self {
        self.traceless = true;
        self
    }
}

/// A record that changed.
#[derive(Debug)]
pub(crate) struct RecordChange {
    pub(crate) key: String,
    /// `None` when it was removed.
    pub(crate) value: Option<Value>,
}

/// What differs from what the records were at an earlier version.
#[derive(Debug)]
pub(crate) struct RecordChanges {
    /// The number of [`Vault::records_version`] now.
    pub(crate) version: u64,
    /// Whether `records` are all there are: what changed is not known any more.
    pub(crate) is_whole: bool,
    pub(crate) records: Vec<RecordChange>,
}

impl RecordChanges {
    fn read(contents: &Contents, prefix: &str, since: Option<u64>, now_ms: u64) -> Self {
        let change = |key: &str| RecordChange {
            key: key.to_owned(),
            value: contents
                .get(Space::Session, key, now_ms)
                .map(Entry::to_value),
        };
        let changed = since.and_then(|since| contents.records_changed_since(since));
        Self {
            version: contents.records_version(),
            is_whole: changed.is_none(),
            records: match changed {
                Some(changed) => {
                    let mine = changed.into_iter().filter(|key| key.starts_with(prefix));
                    mine.map(change).collect()
                }
                None => {
                    let keys = contents.keys(Space::Session, now_ms);
                    keys.filter(|key| key.starts_with(prefix))
                        .map(change)
                        .collect()
                }
            },
        }
    }
}

/// The records while no process can change them.
pub(crate) struct Records<'a> {
    vault: &'a Vault,
    now_ms: u64,
}

impl Records<'_> {
    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        let contents = read(&self.vault.0.contents);
        let entry = contents.get(Space::Session, key, self.now_ms);
        entry.map(Entry::to_value)
    }

    /// As [`Vault::records_since`].
    pub(crate) fn since(&self, prefix: &str, since: Option<u64>) -> RecordChanges {
        RecordChanges::read(&read(&self.vault.0.contents), prefix, since, self.now_ms)
    }

    /// A value of the application's.
    pub(crate) fn app(&self, key: &str) -> Option<Value> {
        let contents = read(&self.vault.0.contents);
        let entry = contents.get(Space::App, key, self.now_ms);
        entry.map(Entry::to_value)
    }
}

/// What the file holds.
pub(crate) struct OnDisk {
    contents: Contents,
    now_ms: u64,
}

impl OnDisk {
    /// A record of Latchkey's own.
    pub(crate) fn record(&self, key: &str) -> Option<Value> {
        let entry = self.contents.get(Space::Session, key, self.now_ms);
        entry.map(Entry::to_value)
    }

    /// A value of the application's.
    pub(crate) fn app(&self, key: &str) -> Option<Value> {
        let entry = self.contents.get(Space::App, key, self.now_ms);
        entry.map(Entry::to_value)
    }
}

impl Vault {
    /// The record under `key`, `None` when there is none; and the number of [`Vault::records_version`] it was read at.
    ///
    /// # Errors
    /// As for [`Vault::get`].
    pub(crate) fn record(&self, key: &str) -> Result<(Option<Value>, u64)> {
        self.0.catch_up()?;
        let now_ms = self.0.clock.now_ms();
        let contents = read(&self.0.contents);
        let entry = contents.get(Space::Session, key, now_ms);
        Ok((entry.map(Entry::to_value), contents.records_version()))
    }

    /// The names of all records that begin with `prefix`.
    ///
    /// # Errors
    /// As for [`Vault::get`].
    pub(crate) fn record_keys(&self, prefix: &str) -> Result<Vec<String>> {
        self.0.catch_up()?;
        let now_ms = self.0.clock.now_ms();
        let contents = read(&self.0.contents);
        let keys = contents.keys(Space::Session, now_ms);
        Ok(keys
            .filter(|key| key.starts_with(prefix))
            .map(str::to_owned)
            .collect())
    }

    /// The records whose names begin with `prefix` that changed since [`Vault::records_version`] was `since`; all of them when
    /// that is not known any more, and for `None`.
    ///
    /// # Errors
    /// As for [`Vault::get`].
    pub(crate) fn records_since(&self, prefix: &str, since: Option<u64>) -> Result<RecordChanges> {
        self.0.catch_up()?;
        let now_ms = self.0.clock.now_ms();
        let contents = read(&self.0.contents);
        Ok(RecordChanges::read(&contents, prefix, since, now_ms))
    }

    /// Changes records as `decide` says, with no write of any process in between. `None` from it changes nothing. Answers
    /// whether something was changed.
    ///
    /// # Errors
    /// Those of `decide`, and as for [`Vault::set`].
    pub(crate) fn edit_records(
        &self,
        decide: impl FnOnce(&Records<'_>) -> Result<Option<Edit>>,
    ) -> Result<bool> {
        let now_ms = self.0.clock.now_ms();
        self.0.with_writer(|writer| {
            let records = Records {
                vault: self,
                now_ms,
            };
            let Some(edit) = decide(&records)? else {
                return Ok(false);
            };
            let mut ops = Vec::with_capacity(edit.puts.len() + edit.removes.len() + 1);
            for (key, value) in edit.puts {
                ops.push(put(Space::Session, key, value, None, now_ms)?);
            }
            for (key, value) in edit.app_puts {
                ops.push(put(Space::App, key, value, None, now_ms)?);
            }
            let removes = edit.removes.into_iter();
            ops.extend(removes.map(|key| Op::Delete(Space::Session, key)));
            if edit.anchored {
                self.0.append_anchored(writer, ops)?;
            } else {
                self.0.append_with(writer, ops)?;
            }
            if edit.traceless {
                self.0.rewrite(writer)?;
            }
            Ok(true)
        })
    }

    /// How often records have changed, as far as this process has read. `None` when the file has changed since: then
    /// [`Vault::record`] reads it.
    ///
    /// # Errors
    /// `ERR_VAULT_CLOSED`, `ERR_VAULT_IO`.
    pub(crate) fn records_version(&self) -> Result<Option<u64>> {
        if !self.0.is_current()? {
            return Ok(None);
        }
        Ok(Some(read(&self.0.contents).records_version()))
    }

    /// Follows the number of [`Vault::records_version`], also when another process writes.
    ///
    /// # Errors
    /// `ERR_VAULT_CLOSED`, `ERR_VAULT_IO` when the directory cannot be watched.
    pub(crate) fn watch_records(&self) -> Result<watch::Receiver<u64>> {
        if read(&self.0.seen).is_none() {
            return Err(Error::VaultClosed);
        }
        Listeners::watch_records(&self.0)
    }

    /// What `look` finds in the file itself, read from the disk anew, beside what memory holds. No process writes meanwhile.
    ///
    /// # Errors
    /// Those of `look`, and as for [`Vault::get`] and [`Vault::set`].
    pub(crate) fn read_back<T>(
        &self,
        look: impl FnOnce(&OnDisk, &Records<'_>) -> Result<T>,
    ) -> Result<T> {
        let now_ms = self.0.clock.now_ms();
        self.0.with_locks(|writer| {
            let mut contents = Contents::default();
            let unread = self.0.place.read()?.ok_or_else(gone)?;
            unread.replay(&self.0.place, &writer.root, &mut contents)?;
            let records = Records {
                vault: self,
                now_ms,
            };
            look(&OnDisk { contents, now_ms }, &records)
        })
    }

    /// How often the vault's key was replaced, and one.
    ///
    /// # Errors
    /// `ERR_VAULT_CLOSED`.
    pub(crate) fn epoch(&self) -> Result<u32> {
        let writer = self.0.writer();
        let writer = writer.as_ref().ok_or(Error::VaultClosed)?;
        Ok(writer.root.epoch)
    }

    /// The file system that the vault lies on.
    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.0.place.disk
    }

    /// Says when records have changed, also when another process wrote them. Ends when the vault is closed.
    ///
    /// # Errors
    /// As for [`Vault::watch_records`].
    pub(crate) fn subscribe_records(&self) -> Result<UnboundedReceiver<()>> {
        if read(&self.0.seen).is_none() {
            return Err(Error::VaultClosed);
        }
        Listeners::add_for_records(&self.0)
    }

    /// Where the vault's files lie.
    pub(crate) fn dir(&self) -> Result<&Path> {
        let path = &self.0.place.path;
        path.parent()
            .ok_or(Error::Internal("a vault file without a directory"))
    }
}
