//! A small sealed store: keys and values in one file, under a root key that the OS keychain keeps.
//!
//! | file | what it holds |
//! |---|---|
//! | [`records`] | Latchkey's own records beside the application's values |
//! | [`options`] | how a vault is opened, and what goes in and out |
//! | [`opening`] | from options to an open vault |
//! | [`shared`] | what all handles of an open vault share: locks, writing, catching up |
//! | [`batch`] | what one write says |
//! | [`contents`] | what the writes so far add up to |
//! | [`header`], [`frame`], [`aead`] | how a write is sealed and bound to its place |
//! | [`log`] | the file: replay, append, rewrite |
//! | [`disk`], [`lock`], [`glance`] | what is asked of the operating system; a cheap look at the file |
//! | [`root_key`] | the key: in the keychain, or from a passphrase |
//! | [`anchor`] | what an open vault tells the keychain |
//! | [`slot`] | which keychain item is a file's |
//! | [`watch`] | who is told of changes |
//!
//! Invariants:
//! - A call that returned success is on disk. A call that failed changed nothing, on disk or in memory.
//! - A key is never made when a vault file exists, and a file that does not verify is never changed.
//! - Every function may block on disk, lock or keychain: never call one on a thread that must stay responsive.

pub mod aead;
mod anchor;
mod batch;
mod contents;
pub mod disk;
mod frame;
mod glance;
mod header;
mod lock;
mod log;
mod opening;
mod options;
mod records;
mod root_key;
mod shared;
mod slot;
mod watch;

pub(crate) use lock::OwnedLock;
pub use options::{Change, Protection, StoredValue, Value, VaultOptions};
pub(crate) use records::{Edit, OnDisk, RecordChange, RecordChanges, Records};
pub use root_key::KeySource;
pub use watch::Changes;

use crate::secret::SecretString;
use crate::{Error, Result};
use batch::{Entry, Kind, Op, Space};
use contents::Contents;
use header::{Header, KeyProtection};
use shared::{Inner, read, write};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use watch::Listeners;

/// The longest key name, in bytes of UTF-8. Names are for programs; whatever needs more is content.
pub const MAX_KEY_BYTES: usize = 16 * 1024;
/// The largest value, in bytes. A vault is for secrets; large content belongs in a file of its own.
pub const MAX_VALUE_BYTES: usize = 16 * 1024 * 1024;

/// An open vault. Clones share it.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

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
        Ok(Self(Arc::new(opening::open(options, source, None)?)))
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
        let id = options.vault_id()?;
        let mut contents = Contents::default();
        let unlock = |header: &Header| root_key::unlock_with(&passphrase, header);
        log::read_snapshot(&id, copy, unlock, &mut contents)?;
        Ok(Self(Arc::new(opening::open(
            options,
            source,
            Some(contents),
        )?)))
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

    /// Whether opening found an older copy of the file, and took it because
    /// [`allow_rollback`](VaultOptions::allow_rollback) says so.
    #[must_use]
    pub fn accepted_rollback(&self) -> bool {
        self.0.found_older
    }

    /// The value under `key`, `None` when there is none.
    ///
    /// # Errors
    /// `ERR_VAULT_CLOSED`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`.
    pub fn get(&self, key: &str) -> Result<Option<Value>> {
        self.0.catch_up()?;
        let now_ms = self.0.clock.now_ms();
        let contents = read(&self.0.contents);
        Ok(contents.get(Space::App, key, now_ms).map(Entry::to_value))
    }

    /// What `look` makes of the value under `key`, when memory is known to hold what the file holds: without waiting for
    /// anything, and without a copy. `look` must not call the vault.
    ///
    /// `None` when only [`Vault::get`] can tell.
    ///
    /// # Errors
    /// `ERR_VAULT_CLOSED`, `ERR_VAULT_IO`.
    pub fn get_now<T>(
        &self,
        key: &str,
        look: impl FnOnce(Option<StoredValue<'_>>) -> T,
    ) -> Result<Option<T>> {
        let now_ms = self.0.clock.now_ms();
        if !self.0.is_current()? {
            return Ok(None);
        }
        let Ok(contents) = self.0.contents.try_read() else {
            return Ok(None);
        };
        let entry = contents.get(Space::App, key, now_ms);
        Ok(Some(look(entry.map(Entry::stored))))
    }

    /// Stores `value` under `key`, durably.
    ///
    /// `ttl`: how long the value exists; `None` for ever. Measured by the wall clock.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for a name over [`MAX_KEY_BYTES`] or a value over [`MAX_VALUE_BYTES`];
    /// `ERR_VAULT_CLOSED`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`.
    pub fn set(&self, key: &str, value: Value, ttl: Option<Duration>) -> Result<()> {
        let now_ms = self.0.clock.now_ms();
        let op = put(Space::App, key.to_owned(), value, ttl, now_ms)?;
        self.0.append(vec![op])
    }

    /// Removes `key`, durably. Says whether it was there.
    ///
    /// # Errors
    /// `ERR_VAULT_CLOSED`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`.
    pub fn delete(&self, key: &str) -> Result<bool> {
        let now_ms = self.0.clock.now_ms();
        self.0.with_writer(|writer| {
            if read(&self.0.contents)
                .get(Space::App, key, now_ms)
                .is_none()
            {
                return Ok(false);
            }
            let op = Op::Delete(Space::App, key.to_owned());
            self.0.append_with(writer, vec![op])?;
            Ok(true)
        })
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
    /// A keychain that fails when it should forget the old key does so at the next opening, sign-in or rotation.
    ///
    /// # Errors
    /// As for [`Vault::delete`], and the keychain's when it does not take the new key; nothing was changed then.
    pub fn rotate_key(&self) -> Result<()> {
        self.0.rotate(None)
    }

    /// Replaces the passphrase that protects the vault, and the key with it.
    ///
    /// # Errors
    /// As for [`Vault::delete`]; `ERR_PROTECTION_MISMATCH` when a keychain protects the vault.
    pub fn change_passphrase(&self, passphrase: SecretString) -> Result<()> {
        self.0.rotate(Some(passphrase))
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
        let wiped = self.0.wipe();
        self.close();
        wiped
    }

    /// Closes the vault. Calls after this fail with `ERR_VAULT_CLOSED`; the values in memory are wiped.
    pub fn close(&self) {
        let mut writer = self.0.writer();
        *writer = None;
        *write(&self.0.seen) = None;
        self.0.glance.close();
        *write(&self.0.contents) = Contents::default();
        drop(writer);
        self.0.listeners.close();
    }
}

/// The operation that stores `value`.
fn put(space: Space, key: String, value: Value, ttl: Option<Duration>, now_ms: u64) -> Result<Op> {
    let (kind, value) = match value {
        Value::Bytes(bytes) => (Kind::Bytes, bytes),
        Value::Text(text) => (Kind::Text, text.into_bytes()),
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

fn check_size(what: &str, bytes: usize, limit: usize) -> Result<()> {
    if bytes <= limit {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "The {what} has {bytes} bytes; at most {limit} are stored."
    )))
}
