//! A lock between processes, on a file of its own, which the kernel frees when its holder dies.
#![forbid(unsafe_code)]

use super::disk::owner_only;
use crate::{Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a waiting process tries again. Writes take a fraction of a millisecond, so waits are short.
const RETRY_EVERY: Duration = Duration::from_millis(2);

/// The lock's file, held open. Never deleted: a lock on a deleted file locks out nobody.
#[derive(Debug)]
pub(crate) struct LockFile(File);

impl LockFile {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        open(path).map(Self)
    }

    /// Waits for the lock, at most `limit`.
    ///
    /// # Errors
    /// `ERR_VAULT_BUSY` when another process held it for that long.
    pub(crate) fn acquire(&self, limit: Duration) -> Result<LockGuard<'_>> {
        self.wait(limit)?;
        Ok(LockGuard(&self.0))
    }

    fn wait(&self, limit: Duration) -> Result<()> {
        let started = Instant::now();
        loop {
            match self.0.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if started.elapsed() < limit => {
                    std::thread::sleep(RETRY_EVERY);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::VaultBusy {
                        waited_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
                    });
                }
                Err(TryLockError::Error(error)) => {
                    return Err(Error::vault_io("lock the vault")(error));
                }
            }
        }
    }
}

/// A lock that its holder keeps while it waits for something else, on a handle of its own: it keeps out the other threads of
/// this process too, and may be let go of on any of them.
#[derive(Debug)]
pub(crate) struct OwnedLock(File);

impl OwnedLock {
    /// Takes the lock on the file at `path` unless somebody, in this process or another, holds it.
    ///
    /// # Errors
    /// `ERR_VAULT_IO`.
    pub(crate) fn try_take(path: &Path) -> Result<Option<Self>> {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Error::vault_io("lock the session")(error)),
        }
    }

    /// Waits for the lock on the file at `path`, at most `limit`.
    ///
    /// # Errors
    /// As for [`LockFile::acquire`], and `ERR_VAULT_IO`.
    pub(crate) fn take(path: &Path, limit: Duration) -> Result<Self> {
        let file = LockFile::open(path)?;
        file.wait(limit)?;
        Ok(Self(file.0))
    }
}

impl Drop for OwnedLock {
    fn drop(&mut self) {
        // As for the guard.
        let _ = self.0.unlock();
    }
}

/// Holds the lock until dropped.
#[derive(Debug)]
pub(crate) struct LockGuard<'a>(&'a File);

impl Drop for LockGuard<'_> {
    fn drop(&mut self) {
        // Closing the file, at the latest when the process ends, frees the lock too.
        let _ = self.0.unlock();
    }
}

fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    owner_only(&mut options);
    options
        .open(path)
        .map_err(Error::vault_io("open a lock file of the vault"))
}
