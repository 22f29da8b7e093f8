//! A small sealed store: keys and values in one file, under a root key that the OS keychain keeps.
//!
//! | file | what it holds |
//! |---|---|
//! | [`batch`] | what one write says |
//! | [`contents`] | what the writes so far add up to |
//! | [`header`], [`frame`] | how a write is sealed and bound to its place |
//! | [`log`] | the file: replay, append, rewrite |
//! | [`disk`], [`lock`] | what is asked of the operating system |
//! | [`root_key`] | the key: in the keychain, or from a passphrase |
//! | [`watch`] | who is told of changes |
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
mod watch;

use crate::clock::{Clock, SystemClock};
use crate::keychain::Backend;
use crate::secret::{SecretBytes, SecretString};
use crate::{Error, Result};
use batch::{Entry, Kind, Op};
use contents::Contents;
use disk::{Disk, OsDisk, Stat};
use header::KeyProtection;
use lock::LockFile;
use log::{Compared, Log, Place, Tail, Unread};
pub use root_key::KeySource;
use root_key::{Keys, RootKey};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
pub use watch::Changes;
use watch::Listeners;

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
    /// Whether to open a file that is older than the last sign-in, sign-out or key rotation, because a person restored it
    /// on purpose. It then counts as the newest. Default false.
    pub allow_rollback: bool,
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
            allow_rollback: false,
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

/// What protects a vault. Proven: the root key came from there when the vault was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// The store that holds the root key; `None` for a passphrase.
    pub backend: Option<Backend>,
    /// The vault's file.
    pub path: PathBuf,
}

/// One change of a batch.
#[derive(Debug)]
pub enum Change {
    /// Stores a value.
    Set {
        /// The name, at most [`MAX_KEY_BYTES`].
        key: String,
        /// The value, at most [`MAX_VALUE_BYTES`].
        value: Value,
        /// How long the value exists; `None` for ever.
        ttl: Option<Duration>,
    },
    /// Removes a value, if it is there.
    Delete {
        /// The name.
        key: String,
    },
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
    writer: Mutex<Option<Writer>>,
    /// The file as it was last read or written; `None` once closed. Lets a reader see without the writer's lock that
    /// nothing has changed.
    seen: RwLock<Option<Stat>>,
    /// What readers see. Changed only while `writer` is held, and never during a write to disk.
    contents: RwLock<Contents>,
    listeners: Listeners,
    /// A write by another process that never finished was dropped when the vault was opened.
    found_torn: bool,
}

/// What it takes to write: the file, the key that seals it, and where the next key comes from.
struct Writer {
    log: Log,
    root: RootKey,
    keys: Keys,
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
    /// `ERR_INVALID_ARGUMENT`; the keychain's (see [`Keychain::read`](crate::keychain::Keychain::read)); `ERR_KEY_MISSING`
    /// when the file exists and the key does not; `ERR_KEY_INVALID`, `ERR_INVALID_PASSPHRASE`, `ERR_PROTECTION_MISMATCH`;
    /// `ERR_VAULT_ROLLED_BACK`, `ERR_VAULT_TAMPERED`, `ERR_VAULT_CORRUPT`, `ERR_VAULT_VERSION`, `ERR_VAULT_FOREIGN`,
    /// `ERR_VAULT_BUSY`, `ERR_VAULT_IO`.
    pub fn open(options: VaultOptions, source: KeySource) -> Result<Self> {
        Opening::begin(options, source)?.finish(None)
    }

    /// Makes the vault anew with what a recovery copy holds. A file that is in the way is kept under another name beside it.
    ///
    /// # Errors
    /// `ERR_INVALID_PASSPHRASE` when it is not the copy's; `ERR_VAULT_CORRUPT`, `ERR_VAULT_TAMPERED`, `ERR_VAULT_VERSION`,
    /// `ERR_VAULT_FOREIGN` for the copy; and as for [`Vault::open`].
    pub fn recover(
        options: VaultOptions,
        source: KeySource,
        copy: &[u8],
        passphrase: SecretString,
    ) -> Result<Self> {
        let id = parse_id(options.id.clone())?;
        let mut contents = Contents::default();
        let mut copy_keys = Keys::ask(KeySource::passphrase(passphrase), &id)?;
        log::read_snapshot(&id, copy, |header| copy_keys.unlock(header), &mut contents)?;
        Opening::begin(options, source)?.finish(Some(contents))
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
        let contents = read(&self.0.contents);
        Ok(contents.get(Space::App, key, now_ms).is_some())
    }

    /// The names of all values, sorted by their bytes.
    ///
    /// # Errors
    /// As for [`Vault::get`].
    pub fn keys(&self) -> Result<Vec<String>> {
        self.0.catch_up()?;
        let now_ms = self.0.clock.now_ms();
        let contents = read(&self.0.contents);
        Ok(contents
            .keys(Space::App, now_ms)
            .map(str::to_owned)
            .collect())
    }

    /// Makes all of the changes or, on an error, none: one frame on disk.
    ///
    /// # Errors
    /// As for [`Vault::set`].
    pub fn write(&self, changes: Vec<Change>) -> Result<()> {
        let now_ms = self.0.clock.now_ms();
        let ops = changes.into_iter().map(|change| match change {
            Change::Set { key, value, ttl } => put(Space::App, key, value, ttl, now_ms),
            Change::Delete { key } => Ok(Op::Delete(Space::App, key)),
        });
        let ops = ops.collect::<Result<Vec<_>>>()?;
        self.0.append(ops)
    }

    /// Replaces the value under `key` by what `change` makes of it, with no write of any process in between. `None` from
    /// `change` removes the value.
    ///
    /// # Errors
    /// As for [`Vault::set`].
    pub fn update(
        &self,
        key: &str,
        change: impl FnOnce(Option<Value>) -> Option<Value>,
    ) -> Result<()> {
        let now_ms = self.0.clock.now_ms();
        self.0.with_writer(|writer| {
            let old = read(&self.0.contents)
                .get(Space::App, key, now_ms)
                .map(Entry::to_value);
            let op = match change(old) {
                Some(value) => put(Space::App, key.to_owned(), value, None, now_ms)?,
                None => Op::Delete(Space::App, key.to_owned()),
            };
            self.0.append_with(writer, vec![op])
        })
    }

    /// Removes all of the application's values in one step. The session's own records stay.
    ///
    /// # Errors
    /// As for [`Vault::delete`].
    pub fn clear(&self) -> Result<()> {
        self.0.append(vec![Op::Clear(Space::App)])
    }

    /// Which of the application's keys change from now on, in this and in any other process. Ends when the vault is closed.
    ///
    /// # Errors
    /// `ERR_VAULT_CLOSED`, `ERR_VAULT_IO` when the directory cannot be watched.
    pub fn subscribe(&self) -> Result<UnboundedReceiver<Changes>> {
        if read(&self.0.seen).is_none() {
            return Err(Error::VaultClosed);
        }
        let receiver = Listeners::add(&self.0)?;
        write(&self.0.contents).start_journal();
        Ok(receiver)
    }

    /// Rewrites the file with what it holds now, so that removed values are gone from it in their sealed form too.
    ///
    /// # Errors
    /// As for [`Vault::delete`].
    pub fn compact(&self) -> Result<()> {
        self.0.with_writer(|writer| self.0.rewrite(writer))
    }

    /// Seals the vault with a new key, and forgets the old one. A crash at any moment leaves it readable.
    ///
    /// # Errors
    /// As for [`Vault::delete`], and the keychain's.
    pub fn rotate_key(&self) -> Result<()> {
        self.0.with_writer(|writer| self.0.rotate(writer))
    }

    /// Replaces the passphrase that protects the vault, and the key with it.
    ///
    /// # Errors
    /// As for [`Vault::delete`]; `ERR_PROTECTION_MISMATCH` when a keychain protects the vault.
    pub fn change_passphrase(&self, passphrase: SecretString) -> Result<()> {
        self.0.with_writer(|writer| {
            if writer.root.protection == KeyProtection::Keychain {
                return Err(Error::ProtectionMismatch("the OS keychain"));
            }
            let before = writer
                .keys
                .replace_passphrase(KeySource::passphrase(passphrase));
            let rotated = self.0.rotate(writer);
            if rotated.is_err() {
                writer.keys.replace_passphrase(before);
            }
            rotated
        })
    }

    /// A copy of everything in the vault, sealed with a passphrase, for [`Vault::recover`] when the keychain is lost.
    ///
    /// # Errors
    /// As for [`Vault::get`].
    pub fn export_recovery(&self, passphrase: &SecretString) -> Result<Vec<u8>> {
        self.0.catch_up()?;
        let root = root_key::passphrase_key(passphrase, 1)?;
        let now_ms = self.0.clock.now_ms();
        let (copy, _) = log::snapshot(&self.0.place, &root, &read(&self.0.contents), now_ms)?;
        Ok(copy)
    }

    /// Destroys the vault: its file, then its key; and closes it.
    ///
    /// # Errors
    /// `ERR_VAULT_CLOSED`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`, and the keychain's when the key could not be removed; the
    /// file is gone then, and the key opens nothing.
    pub fn wipe(&self) -> Result<()> {
        let place = &self.0.place;
        let wiped = self.0.with_writer(|writer| {
            place
                .disk
                .remove(&place.path)
                .and_then(|()| match place.path.parent() {
                    Some(dir) => place.disk.sync_dir(dir),
                    None => Ok(()),
                })
                .map_err(Error::vault_io("remove the vault file"))?;
            writer.keys.forget()
        });
        self.close();
        wiped
    }

    /// Closes the vault. Calls after this fail with `ERR_VAULT_CLOSED`; the values in memory are wiped.
    pub fn close(&self) {
        let mut writer = self.0.writer();
        *writer = None;
        *write(&self.0.seen) = None;
        *write(&self.0.contents) = Contents::default();
        drop(writer);
        self.0.listeners.close();
    }

    pub(crate) fn read(&self, space: Space, key: &str) -> Result<Option<Value>> {
        self.0.catch_up()?;
        let now_ms = self.0.clock.now_ms();
        let contents = read(&self.0.contents);
        Ok(contents.get(space, key, now_ms).map(Entry::to_value))
    }

    pub(crate) fn put(
        &self,
        space: Space,
        key: &str,
        value: Value,
        ttl: Option<Duration>,
    ) -> Result<()> {
        let op = put(space, key.to_owned(), value, ttl, self.0.clock.now_ms())?;
        self.0.append(vec![op])
    }

    /// Stores a record of Latchkey's own, and makes every copy of the file from before an old one.
    pub(crate) fn put_anchored(&self, key: &str, value: Value) -> Result<()> {
        let op = put(
            Space::Session,
            key.to_owned(),
            value,
            None,
            self.0.clock.now_ms(),
        )?;
        self.0
            .with_writer(|writer| self.0.append_anchored(writer, op))
    }

    /// Removes a record of Latchkey's own and its traces in the file, and makes every copy from before an old one.
    pub(crate) fn erase_anchored(&self, key: &str) -> Result<()> {
        let now_ms = self.0.clock.now_ms();
        self.0.with_writer(|writer| {
            let is_there = read(&self.0.contents)
                .get(Space::Session, key, now_ms)
                .is_some();
            if is_there {
                let op = Op::Delete(Space::Session, key.to_owned());
                self.0.append_anchored(writer, op)?;
                self.0.rewrite(writer)?;
            }
            Ok(())
        })
    }

    pub(crate) fn remove(&self, space: Space, key: &str) -> Result<bool> {
        let now_ms = self.0.clock.now_ms();
        self.0.with_writer(|writer| {
            if read(&self.0.contents).get(space, key, now_ms).is_none() {
                return Ok(false);
            }
            let op = Op::Delete(space, key.to_owned());
            self.0.append_with(writer, vec![op])?;
            Ok(true)
        })
    }
}

impl Inner {
    fn writer(&self) -> MutexGuard<'_, Option<Writer>> {
        // A panic while the writer is held leaves it as it was before the operation.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append(&self, ops: Vec<Op>) -> Result<()> {
        self.with_writer(|writer| self.append_with(writer, ops))
    }

    /// Runs `change` under both locks, on a log that has caught up with every other process.
    fn with_writer<T>(&self, change: impl FnOnce(&mut Writer) -> Result<T>) -> Result<T> {
        let mut writer = self.writer();
        let writer = writer.as_mut().ok_or(Error::VaultClosed)?;
        let _guard = self.lock.acquire(self.lock_timeout)?;
        if self.synchronize(writer)? == Tail::Torn {
            writer.log.cut_torn_tail()?;
        }
        let changed = change(writer);
        self.publish(writer);
        changed
    }

    fn append_with(&self, writer: &mut Writer, ops: Vec<Op>) -> Result<()> {
        writer.log.append(&ops)?;
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

    fn append_anchored(&self, writer: &mut Writer, op: Op) -> Result<()> {
        let generation = read(&self.contents).generation() + 1;
        self.append_with(writer, vec![op, Op::Generation(generation)])?;
        // The file first: dying between the two leaves a file that is newer than its anchor, which opening sets right.
        // A keychain that cannot be written now, being locked again, is set right there too.
        let _ = writer.keys.anchor_at(&writer.root, generation);
        Ok(())
    }

    fn rewrite(&self, writer: &mut Writer) -> Result<()> {
        let now_ms = self.clock.now_ms();
        writer.log = Log::create(&self.place, &writer.root, &read(&self.contents), now_ms)?;
        Ok(())
    }

    fn rotate(&self, writer: &mut Writer) -> Result<()> {
        let generation = read(&self.contents).generation();
        let next = writer.keys.begin_rotation(&writer.root, generation)?;
        let now_ms = self.clock.now_ms();
        let mut contents = write(&self.contents);
        contents.apply(Op::Generation(generation + 1));
        match Log::create(&self.place, &next, &contents, now_ms) {
            Ok(log) => writer.log = log,
            Err(error) => {
                contents.apply(Op::Generation(generation));
                return Err(error);
            }
        }
        drop(contents);
        writer.root = next;
        writer.keys.anchor_at(&writer.root, generation + 1)
    }

    /// Takes over what other processes wrote, if anything.
    fn catch_up(&self) -> Result<()> {
        if self.is_current()? {
            return Ok(());
        }
        let mut writer = self.writer();
        let writer = writer.as_mut().ok_or(Error::VaultClosed)?;
        // Without the lock a write in progress can be seen; its frame is read when it is whole.
        if let Err(error) = self.synchronize(writer) {
            if !matches!(error, Error::VaultTampered(_)) {
                return Err(error);
            }
            let _guard = self.lock.acquire(self.lock_timeout)?;
            self.synchronize(writer)?;
        }
        self.publish(writer);
        Ok(())
    }

    /// Lets readers and listeners know what was read or written.
    fn publish(&self, writer: &Writer) {
        *write(&self.seen) = Some(writer.log.stat());
        let changed = write(&self.contents).take_journal();
        self.listeners.tell(changed);
    }

    /// Whether memory holds what the file holds.
    fn is_current(&self) -> Result<bool> {
        let seen = read(&self.seen).ok_or(Error::VaultClosed)?;
        Ok(self.stat()? == seen)
    }

    fn stat(&self) -> Result<Stat> {
        self.place.stat()?.ok_or_else(gone)
    }

    fn synchronize(&self, writer: &mut Writer) -> Result<Tail> {
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
                    writer.root = writer.keys.unlock(&unread.header)?;
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

fn gone() -> Error {
    Error::VaultIo {
        action: "find the vault file",
        reason: "it was removed while the vault was open".to_owned(),
    }
}

/// A vault that is being opened: its key source has answered, and nothing was written yet.
struct Opening {
    place: Place,
    dir: PathBuf,
    options: VaultOptions,
    keys: Keys,
}

impl Opening {
    fn begin(options: VaultOptions, source: KeySource) -> Result<Self> {
        let vault_id = parse_id(options.id.clone())?;
        let dir = match &options.path {
            Some(path) => absolute(path.clone())?,
            None => default_dir(&vault_id)?,
        };
        Ok(Self {
            keys: Keys::ask(source, &vault_id)?,
            place: Place {
                disk: Arc::clone(&options.disk),
                path: dir.join(FILE_NAME),
                vault_id,
            },
            dir,
            options,
        })
    }

    /// Opens the file, or makes one. With `recovered` contents a copy of a file that is there is kept aside first.
    fn finish(self, recovered: Option<Contents>) -> Result<Vault> {
        let Self {
            place,
            dir,
            options,
            mut keys,
        } = self;
        // Before a directory or a lock file is made: beside what cannot be unlocked nothing is touched.
        let known = match (&recovered, place.read()?) {
            (None, Some(unread)) => Some(keys.unlock(&unread.header)?),
            _ => None,
        };
        place
            .disk
            .create_dir(&dir)
            .map_err(Error::vault_io("make the vault's directory"))?;
        let lock = LockFile::open(&dir.join(LOCK_NAME))?;
        let guard = lock.acquire(options.lock_timeout)?;
        let now_ms = options.clock.now_ms();
        let (writer, contents, tail) = match recovered {
            Some(contents) => {
                // The key first: when the keychain fails now, nothing was touched.
                keys.begin()?;
                keep_aside(&place)?;
                create(&place, keys, contents, now_ms)?
            }
            // Another process may have made or replaced the file since: under the lock, look again.
            None => match place.read()? {
                Some(unread) => {
                    let known = known.filter(|root| unread.header.is_sealed_by(root));
                    let root = match known {
                        Some(root) => root,
                        None => keys.unlock(&unread.header)?,
                    };
                    open_file(&place, unread, root, keys, options.allow_rollback)?
                }
                None => create(&place, keys, Contents::default(), now_ms)?,
            },
        };
        drop(guard);
        Ok(Vault(Arc::new(Inner {
            protection: Protection {
                backend: writer.keys.backend(),
                path: place.path.clone(),
            },
            place,
            lock_timeout: options.lock_timeout,
            clock: options.clock,
            lock,
            seen: RwLock::new(Some(writer.log.stat())),
            writer: Mutex::new(Some(writer)),
            contents: RwLock::new(contents),
            listeners: Listeners::default(),
            found_torn: tail == Tail::Torn,
        })))
    }
}

/// Reads a file under the lock, repairs its tail, and compares its generation with the keychain's.
fn open_file(
    place: &Place,
    unread: Unread,
    root: RootKey,
    mut keys: Keys,
    allow_rollback: bool,
) -> Result<(Writer, Contents, Tail)> {
    let mut contents = Contents::default();
    let (mut log, tail) = unread.replay(place, &root, &mut contents)?;
    if tail == Tail::Torn {
        log.cut_torn_tail()?;
    }
    let generation = contents.generation();
    match keys.anchor() {
        Some(anchor) if generation < anchor => {
            if !allow_rollback {
                return Err(Error::VaultRolledBack);
            }
            let next = Op::Generation(anchor + 1);
            log.append(std::slice::from_ref(&next))?;
            contents.apply(next);
            keys.anchor_at(&root, anchor + 1)?;
        }
        // The process that wrote the file died, or was locked out, before it could say so to the keychain.
        Some(anchor) if generation > anchor => keys.anchor_at(&root, generation)?,
        _ => {}
    }
    Ok((Writer { log, root, keys }, contents, tail))
}

/// Makes a file that does not exist, newer than any that did.
fn create(
    place: &Place,
    mut keys: Keys,
    mut contents: Contents,
    now_ms: u64,
) -> Result<(Writer, Contents, Tail)> {
    let root = keys.begin()?;
    let generation = keys.anchor().unwrap_or(0).max(contents.generation()) + 1;
    contents.apply(Op::Generation(generation));
    let log = Log::create(place, &root, &contents, now_ms)?;
    keys.anchor_at(&root, generation)?;
    Ok((Writer { log, root, keys }, contents, Tail::Clean))
}

/// Keeps a copy of the file that a recovered one will replace, under the first free name beside it. A copy, so that there is
/// no moment without a file: an opening at that moment would make an empty vault.
fn keep_aside(place: &Place) -> Result<()> {
    let io = |error| Error::vault_io("keep a copy of the old vault file")(error);
    let disk = &*place.disk;
    if disk.stat(&place.path).map_err(io)?.is_none() {
        return Ok(());
    }
    let old = disk
        .open(&place.path)
        .and_then(|mut file| file.read_from(0))
        .map_err(io)?;
    let mut number = 1;
    let mut copy = loop {
        match disk.create(&place.path.with_extension(format!("replaced-{number}"))) {
            Ok(copy) => break copy,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(io(error)),
        }
    };
    copy.write_at(0, &old)
        .and_then(|()| copy.sync())
        .map_err(io)
}

/// The operation that stores `value`.
fn put(space: Space, key: String, value: Value, ttl: Option<Duration>, now_ms: u64) -> Result<Op> {
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
        now_ms.saturating_add(ttl_ms).max(1)
    });
    Ok(Op::Put(
        space,
        key,
        Entry {
            kind,
            expires_at_ms,
            value,
        },
    ))
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
    if path.is_absolute() && !path.as_os_str().as_encoded_bytes().contains(&0) {
        return Ok(path);
    }
    Err(Error::InvalidArgument(
        "The vault's path must be absolute, such as app.getPath('userData') gives, and hold no NUL."
            .to_owned(),
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
