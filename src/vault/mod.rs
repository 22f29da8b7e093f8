//! A small sealed store: keys and values in one file, under a root key that the OS keychain keeps.
//!
//! | file | what it holds |
//! |---|---|
//! | [`batch`] | what one write says |
//! | [`contents`] | what the writes so far add up to |
//! | [`header`], [`frame`] | how a write is sealed and bound to its place |
//! | [`log`] | the file: replay, append, rewrite |
//! | [`disk`], [`lock`] | what is asked of the operating system |
//! | [`root_key`] | the key in the keychain |
//!
//! Invariants:
//! - A call that returned success is on disk. A call that failed changed nothing, on disk or in memory.
//! - A key is never made when a vault file exists, and a file that does not verify is never changed.
//! - Every function may block on disk, lock or keychain: never call one on a thread that must stay responsive.

mod batch;
mod contents;
pub mod disk;
mod frame;
mod header;
mod lock;
mod log;
mod root_key;

use crate::clock::{Clock, SystemClock};
use crate::keychain::{Backend, Keychain};
use crate::secret::{SecretBytes, SecretString};
use crate::{Error, Result};
use batch::{Entry, Kind, Op};
use contents::Contents;
use disk::{Disk, OsDisk, Stat};
use lock::LockFile;
use log::{Compared, Log, Place, Tail};
use root_key::RootKey;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

pub(crate) use batch::Space;

/// The longest key name, in bytes of UTF-8. Names are for programs; whatever needs more is content.
pub const MAX_KEY_BYTES: usize = 16 * 1024;
/// The largest value, in bytes. A vault is for secrets; large content belongs in a file of its own.
pub const MAX_VALUE_BYTES: usize = 16 * 1024 * 1024;

const FILE_NAME: &str = "vault.latchkey";
const LOCK_NAME: &str = "vault.lock";
/// Longest vault id. Windows limits the whole name of a credential; this leaves room for the item's name.
const MAX_ID_BYTES: usize = 128;

/// How to open a vault.
#[derive(Debug)]
pub struct VaultOptions {
    /// Names the vault for ever: 1 to 128 of `A-Z a-z 0-9 . _ -`, not beginning with a dot, such as `com.example.app`.
    pub id: String,
    /// The directory for the vault's files; made (0700) when missing. Default: the OS data directory, then the id.
    pub path: Option<PathBuf>,
    /// How long a write waits for other processes. Default 5 s.
    pub lock_timeout: Duration,
    /// The file system. Default [`OsDisk`].
    pub disk: Arc<dyn Disk>,
    /// The clock for expiring values. Default [`SystemClock`].
    pub clock: Arc<dyn Clock>,
}

impl VaultOptions {
    /// Options with every default.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            path: None,
            lock_timeout: Duration::from_secs(5),
            disk: Arc::new(OsDisk),
            clock: Arc::new(SystemClock),
        }
    }
}

/// A stored value, as it was given.
#[derive(Debug)]
pub enum Value {
    /// Bytes.
    Bytes(SecretBytes),
    /// Text.
    Text(SecretString),
}

/// What protects a vault. Proven: the root key was read from this backend when the vault was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// The store that holds the root key.
    pub backend: Backend,
    /// The vault's file.
    pub path: PathBuf,
}

/// An open vault. Clones share it.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    place: Place,
    protection: Protection,
    lock_timeout: Duration,
    clock: Arc<dyn Clock>,
    lock: LockFile,
    /// Serializes access to the file. `None` once closed.
    log: Mutex<Option<Log>>,
    /// What readers see. Written only while `log` is held, and never during a write to disk.
    contents: RwLock<Contents>,
    /// The file as it was last read or written; `None` once closed. Lets a reader see without the log's lock that
    /// nothing has changed.
    seen: RwLock<Option<Stat>>,
    /// A write by another process that never finished was dropped when the vault was opened.
    found_torn: bool,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("path", &self.0.place.path)
            .finish_non_exhaustive()
    }
}

impl Vault {
    /// Opens the vault, or makes an empty one when neither its file nor its key exists.
    ///
    /// Until the keychain has answered, nothing is written anywhere.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT`; the keychain's (see [`Keychain::read`]); `ERR_KEY_MISSING` when the file exists and the
    /// key does not; `ERR_KEY_INVALID`; `ERR_VAULT_TAMPERED`, `ERR_VAULT_CORRUPT`, `ERR_VAULT_VERSION`,
    /// `ERR_VAULT_FOREIGN`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`.
    pub fn open(options: VaultOptions, keychain: &dyn Keychain) -> Result<Self> {
        let id = parse_id(options.id)?;
        let dir = match options.path {
            Some(path) => absolute(path)?,
            None => default_dir(&id)?,
        };
        let disk = options.disk;
        let path = dir.join(FILE_NAME);
        let exists = || {
            disk.stat(&path)
                .map(|found| found.is_some())
                .map_err(Error::vault_io("look at the vault file"))
        };
        let file_was_there = exists()?;
        let known = RootKey::read(keychain, &id)?;
        if file_was_there && known.is_none() {
            return Err(Error::KeyMissing);
        }
        disk.create_dir(&dir)
            .map_err(Error::vault_io("make the vault's directory"))?;
        let lock = LockFile::open(&dir.join(LOCK_NAME))?;
        let guard = lock.acquire(options.lock_timeout)?;

        // Another process may have made file and key since: under the lock, look again before making anything.
        let file_is_there = exists()?;
        let root = match known {
            Some(root) => root,
            None => match RootKey::read(keychain, &id)? {
                Some(root) => root,
                None if file_is_there => return Err(Error::KeyMissing),
                None => RootKey::create(keychain, &id)?,
            },
        };
        let place = Place {
            disk: Arc::clone(&disk),
            path: path.clone(),
            vault_id: id,
            root,
        };
        let mut contents = Contents::default();
        let (log, tail) = if file_is_there {
            let (mut log, tail) = Log::open(&place, &mut contents)?;
            if tail == Tail::Torn {
                log.cut_torn_tail()?;
            }
            (log, tail)
        } else {
            let now_ms = options.clock.now_ms();
            (Log::create(&place, &contents, now_ms)?, Tail::Clean)
        };
        drop(guard);
        Ok(Self(Arc::new(Inner {
            protection: Protection {
                backend: keychain.backend(),
                path,
            },
            place,
            lock_timeout: options.lock_timeout,
            clock: options.clock,
            lock,
            seen: RwLock::new(Some(log.stat())),
            log: Mutex::new(Some(log)),
            contents: RwLock::new(contents),
            found_torn: tail == Tail::Torn,
        })))
    }

    /// What protects this vault.
    #[must_use]
    pub fn protection(&self) -> &Protection {
        &self.0.protection
    }

    /// Whether opening found, and dropped, a write that never finished. It was acknowledged to nobody.
    #[must_use]
    pub fn recovered_torn_write(&self) -> bool {
        self.0.found_torn
    }

    /// The value under `key`, `None` when there is none.
    ///
    /// # Errors
    /// `ERR_VAULT_CLOSED`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`.
    pub fn get(&self, key: &str) -> Result<Option<Value>> {
        self.read(Space::App, key)
    }

    /// As [`Vault::get`] when memory is known to hold what the file holds, without waiting for anything: one `stat`.
    ///
    /// `None` when only [`Vault::get`] can tell.
    ///
    /// # Errors
    /// `ERR_VAULT_CLOSED`, `ERR_VAULT_IO`.
    pub fn get_now(&self, key: &str) -> Result<Option<Option<Value>>> {
        let now_ms = self.0.clock.now_ms();
        if !self.0.is_current()? {
            return Ok(None);
        }
        let Ok(contents) = self.0.contents.try_read() else {
            return Ok(None);
        };
        Ok(Some(
            contents.get(Space::App, key, now_ms).map(Entry::to_value),
        ))
    }

    /// Stores `value` under `key`, durably.
    ///
    /// `ttl`: how long the value exists; `None` for ever. Measured by the wall clock.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for a name over [`MAX_KEY_BYTES`] or a value over [`MAX_VALUE_BYTES`];
    /// `ERR_VAULT_CLOSED`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`.
    pub fn set(&self, key: &str, value: Value, ttl: Option<Duration>) -> Result<()> {
        self.put(Space::App, key, value, ttl)
    }

    /// Removes `key`, durably. Says whether it was there.
    ///
    /// # Errors
    /// `ERR_VAULT_CLOSED`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`.
    pub fn delete(&self, key: &str) -> Result<bool> {
        self.remove(Space::App, key)
    }

    /// Whether `key` has a value.
    ///
    /// # Errors
    /// As for [`Vault::get`].
    pub fn has(&self, key: &str) -> Result<bool> {
        self.0.catch_up()?;
        let now_ms = self.0.clock.now_ms();
        let contents = self.0.contents();
        Ok(contents.get(Space::App, key, now_ms).is_some())
    }

    /// The names of all values, sorted by their bytes.
    ///
    /// # Errors
    /// As for [`Vault::get`].
    pub fn keys(&self) -> Result<Vec<String>> {
        self.0.catch_up()?;
        let now_ms = self.0.clock.now_ms();
        let contents = self.0.contents();
        Ok(contents
            .keys(Space::App, now_ms)
            .map(str::to_owned)
            .collect())
    }

    /// Removes all of the application's values in one step. The session's own records stay.
    ///
    /// # Errors
    /// As for [`Vault::delete`].
    pub fn clear(&self) -> Result<()> {
        self.0.write(vec![Op::Clear(Space::App)])
    }

    /// Rewrites the file with what it holds now, so that removed values are gone from it in their sealed form too.
    ///
    /// # Errors
    /// As for [`Vault::delete`].
    pub fn compact(&self) -> Result<()> {
        self.0.with_log(|log| self.0.rewrite(log))
    }

    /// Closes the vault. Calls after this fail with `ERR_VAULT_CLOSED`; the values in memory are wiped.
    pub fn close(&self) {
        let mut log = self.0.log();
        *log = None;
        *write(&self.0.seen) = None;
        *write(&self.0.contents) = Contents::default();
    }

    pub(crate) fn read(&self, space: Space, key: &str) -> Result<Option<Value>> {
        self.0.catch_up()?;
        let now_ms = self.0.clock.now_ms();
        let contents = self.0.contents();
        Ok(contents.get(space, key, now_ms).map(Entry::to_value))
    }

    pub(crate) fn put(
        &self,
        space: Space,
        key: &str,
        value: Value,
        ttl: Option<Duration>,
    ) -> Result<()> {
        let (kind, value) = match value {
            Value::Bytes(bytes) => (Kind::Bytes, bytes),
            Value::Text(text) => (
                Kind::Text,
                SecretBytes::new(text.expose().as_bytes().to_vec()),
            ),
        };
        check_size("key", key.len(), MAX_KEY_BYTES)?;
        check_size("value", value.expose().len(), MAX_VALUE_BYTES)?;
        let expires_at_ms = ttl.map(|ttl| {
            let ttl_ms = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
            // 0 means "never" in the file, so the first moment a value can expire at is 1.
            self.0.clock.now_ms().saturating_add(ttl_ms).max(1)
        });
        self.0.write(vec![Op::Put(
            space,
            key.to_owned(),
            Entry {
                kind,
                expires_at_ms,
                value,
            },
        )])
    }

    pub(crate) fn remove(&self, space: Space, key: &str) -> Result<bool> {
        let now_ms = self.0.clock.now_ms();
        self.0.with_log(|log| {
            if self.0.contents().get(space, key, now_ms).is_none() {
                return Ok(false);
            }
            self.0
                .append(log, vec![Op::Delete(space, key.to_owned())])?;
            Ok(true)
        })
    }
}

impl Inner {
    fn log(&self) -> MutexGuard<'_, Option<Log>> {
        // A panic while the log is held leaves it as it was before the operation or marks it for re-reading.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn contents(&self) -> RwLockReadGuard<'_, Contents> {
        read(&self.contents)
    }

    fn write(&self, ops: Vec<Op>) -> Result<()> {
        self.with_log(|log| self.append(log, ops))
    }

    /// Runs `change` under both locks, on a log that has caught up with every other process.
    fn with_log<T>(&self, change: impl FnOnce(&mut Log) -> Result<T>) -> Result<T> {
        let mut log = self.log();
        let log = log.as_mut().ok_or(Error::VaultClosed)?;
        let _guard = self.lock.acquire(self.lock_timeout)?;
        if self.synchronize(log)? == Tail::Torn {
            log.cut_torn_tail()?;
        }
        let changed = change(log);
        *write(&self.seen) = Some(log.stat());
        changed
    }

    fn append(&self, log: &mut Log, ops: Vec<Op>) -> Result<()> {
        log.append(&ops)?;
        {
            let mut contents = write(&self.contents);
            for op in ops {
                contents.apply(op);
            }
        }
        if log.is_mostly_garbage(&self.contents()) {
            // The write is durable already; a rewrite that fails is tried again after the next one.
            let _ = self.rewrite(log);
        }
        Ok(())
    }

    fn rewrite(&self, log: &mut Log) -> Result<()> {
        *log = Log::create(&self.place, &self.contents(), self.clock.now_ms())?;
        Ok(())
    }

    /// Takes over what other processes wrote, if anything.
    fn catch_up(&self) -> Result<()> {
        if self.is_current()? {
            return Ok(());
        }
        let mut log = self.log();
        let log = log.as_mut().ok_or(Error::VaultClosed)?;
        // Without the lock a write in progress can be seen; its frame is read when it is whole.
        if let Err(error) = self.synchronize(log) {
            if !matches!(error, Error::VaultTampered(_)) {
                return Err(error);
            }
            let _guard = self.lock.acquire(self.lock_timeout)?;
            self.synchronize(log)?;
        }
        *write(&self.seen) = Some(log.stat());
        Ok(())
    }

    /// Whether memory holds what the file holds.
    fn is_current(&self) -> Result<bool> {
        let seen = read(&self.seen).ok_or(Error::VaultClosed)?;
        Ok(self.stat()? == seen)
    }

    fn stat(&self) -> Result<Stat> {
        self.place
            .disk
            .stat(&self.place.path)
            .map_err(Error::vault_io("look at the vault file"))?
            .ok_or_else(|| Error::VaultIo {
                action: "find the vault file",
                reason: "it was removed while the vault was open".to_owned(),
            })
    }

    fn synchronize(&self, log: &mut Log) -> Result<Tail> {
        let found = self.stat()?;
        match log.compare(found) {
            Compared::Same => Ok(Tail::Clean),
            Compared::Changed if found.len < log.stat().len => {
                Err(Error::VaultTampered("it was cut while the vault was open"))
            }
            Compared::Changed => {
                let mut contents = write(&self.contents);
                log.read_tail(&mut contents)
            }
            Compared::Replaced => {
                let mut fresh = Contents::default();
                let (reopened, tail) = Log::open(&self.place, &mut fresh)?;
                *log = reopened;
                *write(&self.contents) = fresh;
                Ok(tail)
            }
        }
    }
}

// A panic while one of these is held leaves a value that is valid, if older.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

fn parse_id(id: String) -> Result<String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if id.is_empty() || id.len() > MAX_ID_BYTES || id.starts_with('.') || !id.bytes().all(allowed) {
        return Err(Error::InvalidArgument(format!(
            "The vault id must be 1 to {MAX_ID_BYTES} characters of A-Z a-z 0-9 . _ - and not begin with a dot, such as 'com.example.app'."
        )));
    }
    Ok(id)
}

fn absolute(path: PathBuf) -> Result<PathBuf> {
    if path.is_absolute() {
        return Ok(path);
    }
    Err(Error::InvalidArgument(
        "The vault's path must be absolute, such as app.getPath('userData') gives.".to_owned(),
    ))
}

/// The OS data directory and the id, so that renaming the app moves nothing.
///
/// Linux: the XDG Base Directory Specification. macOS: Application Support. Windows: the local, not the roaming, folder.
fn default_dir(id: &str) -> Result<PathBuf> {
    let variable = |name| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")))
    };
    let base = base.ok_or_else(|| {
        Error::InvalidArgument(
            "The environment names no home directory. Give the vault's path.".to_owned(),
        )
    })?;
    Ok(base.join(Path::new(id)))
}

fn check_size(what: &str, bytes: usize, limit: usize) -> Result<()> {
    if bytes <= limit {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "The {what} has {bytes} bytes; at most {limit} are stored."
    )))
}
