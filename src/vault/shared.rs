//! What all handles of one open vault share: the file, its key, and what it holds.
#![forbid(unsafe_code)]

use super::batch::Op;
use super::contents::Contents;
use super::disk::Stat;
use super::glance::Glance;
use super::lock::LockFile;
use super::log::{AppendError, Compared, Log, Place, Tail};
use super::options::Protection;
use super::root_key::{Keys, RootKey};
use super::watch::Listeners;
use crate::clock::Clock;
use crate::{Error, Result};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

pub(super) struct Inner {
    pub(super) place: Place,
    pub(super) protection: Protection,
    pub(super) lock_timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) lock: LockFile,
    /// Where the lock on the keychain item lies.
    pub(super) item_lock: PathBuf,
    /// Serializes access to the file. `None` once closed.
    pub(super) writer: Mutex<Option<Writer>>,
    /// The file as it was last read or written; `None` once closed. Lets a reader see without the writer's lock that
    /// nothing has changed.
    pub(super) seen: RwLock<Option<Stat>>,
    pub(super) glance: Glance,
    /// What readers see. Changed only while `writer` is held, and never during a write to disk.
    pub(super) contents: RwLock<Contents>,
    pub(super) listeners: Listeners,
    /// A write by another process that never finished was dropped when the vault was opened.
    pub(super) found_torn: bool,
    /// The file was an old copy when the vault was opened, which the application allowed.
    pub(super) found_older: bool,
}

/// What it takes to write: the file, the key that seals it, and where the next key comes from.
pub(super) struct Writer {
    pub(super) log: Log,
    pub(super) root: RootKey,
    pub(super) keys: Keys,
}

impl Inner {
    pub(super) fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
        // A panic while the writer is held leaves it as it was before the operation.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn append(&self, ops: Vec<Op>) -> Result<()> {
        self.with_writer(|writer| self.append_with(writer, ops))
    }

    /// Runs `change` under both locks, on a log that has caught up with every other process. When it has raised the
    /// generation, the keychain is told of it after both are released.
    pub(super) fn with_writer<T>(
        &self,
        change: impl FnOnce(&mut Writer) -> Result<T>,
    ) -> Result<T> {
        let mut is_raised = false;
        let changed = self.with_locks(|writer| {
            let before = read(&self.contents).generation();
            let changed = change(writer);
            is_raised = read(&self.contents).generation() > before;
            changed
        });
        if is_raised {
            self.anchor();
        }
        changed
    }

    /// As [`Inner::with_writer`], without a word to the keychain.
    pub(super) fn with_locks<T>(&self, change: impl FnOnce(&mut Writer) -> Result<T>) -> Result<T> {
        let mut writer = self.writer();
        let writer = writer.as_mut().ok_or(Error::VaultClosed)?;
        let _guard = self.lock.acquire(self.lock_timeout)?;
        if self.synchronize(writer)? == Tail::Torn {
            writer.log.cut_torn_tail()?;
        }
        writer.log.settle(&self.place)?;
        let changed = change(writer);
        self.publish(writer);
        changed
    }

    pub(super) fn append_with(&self, writer: &mut Writer, ops: Vec<Op>) -> Result<()> {
        match writer.log.append(&ops) {
            Ok(()) => {}
            Err(AppendError::NotWritten(error)) => return Err(error),
            Err(AppendError::NotSynced(error)) => {
                // Another process may have taken the frame over. A file with a new identity makes it read again.
                if self.rewrite(writer).is_err() {
                    let _ = writer.log.cut_torn_tail();
                }
                return Err(error);
            }
        }
        {
            let mut contents = write(&self.contents);
            for op in ops {
                contents.apply(op);
            }
        }
        if writer.log.is_mostly_garbage(&read(&self.contents)) {
            // The write is durable already; a rewrite that fails is tried again after the next one.
            let _ = self.rewrite(writer);
        }
        Ok(())
    }

    /// Appends operations and raises the generation. The file first and the keychain after it: dying between the two leaves a
    /// file that is newer than its anchor, which opening sets right.
    pub(super) fn append_anchored(&self, writer: &mut Writer, mut ops: Vec<Op>) -> Result<()> {
        let generation = read(&self.contents).generation() + 1;
        ops.push(Op::Generation(generation));
        self.append_with(writer, ops)
    }

    pub(super) fn rewrite(&self, writer: &mut Writer) -> Result<()> {
        let now_ms = self.clock.now_ms();
        writer.log = Log::create(&self.place, &writer.root, &read(&self.contents), now_ms)?;
        Ok(())
    }

    /// Rewrites the file under `next`, with the next generation.
    pub(super) fn reseal(&self, writer: &mut Writer, next: RootKey) -> Result<()> {
        let now_ms = self.clock.now_ms();
        let mut contents = write(&self.contents);
        let generation = contents.generation();
        contents.apply(Op::Generation(generation + 1));
        match Log::create(&self.place, &next, &contents, now_ms) {
            Ok(log) => writer.log = log,
            Err(error) => {
                contents.apply(Op::Generation(generation));
                return Err(error);
            }
        }
        writer.root = next;
        Ok(())
    }

    /// Takes over what other processes wrote, if anything.
    pub(super) fn catch_up(&self) -> Result<()> {
        if self.is_current()? {
            return Ok(());
        }
        let mut writer = self.writer();
        let writer = writer.as_mut().ok_or(Error::VaultClosed)?;
        // Without the lock a write in progress can be seen; its frame is read when it is whole. So can a file whose key
        // another process replaces before the keychain is asked for it.
        if let Err(error) = self.synchronize(writer) {
            if !matches!(error, Error::VaultTampered(_) | Error::KeyInvalid(_)) {
                return Err(error);
            }
            let _guard = self.lock.acquire(self.lock_timeout)?;
            self.synchronize(writer)?;
        }
        self.publish(writer);
        Ok(())
    }

    /// Lets readers and listeners know what was read or written.
    pub(super) fn publish(&self, writer: &Writer) {
        *write(&self.seen) = Some(writer.log.stat());
        let (changed, records_version) = {
            let mut contents = write(&self.contents);
            (contents.take_journal(), contents.records_version())
        };
        self.listeners.tell(changed, records_version);
    }

    /// Whether memory holds what the file holds.
    pub(super) fn is_current(&self) -> Result<bool> {
        let seen = read(&self.seen).ok_or(Error::VaultClosed)?;
        let look = || self.place.disk.look(&self.place.path);
        self.glance.is_current(seen, || self.stat(), look)
    }

    pub(super) fn stat(&self) -> Result<Stat> {
        self.place.stat()?.ok_or_else(gone)
    }

    pub(super) fn synchronize(&self, writer: &mut Writer) -> Result<Tail> {
        let found = self.stat()?;
        match writer.log.compare(found) {
            Compared::Same => Ok(Tail::Clean),
            Compared::Changed if found.len < writer.log.stat().len => {
                Err(Error::VaultTampered("it was cut while the vault was open"))
            }
            Compared::Changed => writer.log.read_tail(&mut write(&self.contents)),
            Compared::Replaced => {
                let unread = self.place.read()?.ok_or_else(gone)?;
                if !unread.header.is_sealed_by(&writer.root) {
                    // Another process has rotated the key.
                    writer.root = writer.keys.unlock(&unread.header)?.root;
                }
                let mut fresh = Contents::default();
                let (log, tail) = unread.replay(&self.place, &writer.root, &mut fresh)?;
                if fresh.generation() < read(&self.contents).generation() {
                    return Err(Error::VaultRolledBack);
                }
                writer.log = log;
                write(&self.contents).replace(fresh);
                Ok(tail)
            }
        }
    }
}

pub(super) fn gone() -> Error {
    Error::VaultIo {
        action: "find the vault file",
        reason: "it was removed while the vault was open".to_owned(),
    }
}

// A panic while one of these is held leaves a value that is valid, if older.
pub(super) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
