//! How a vault is opened, and what goes in and out of it.
#![forbid(unsafe_code)]

use super::disk::{Disk, OsDisk};
use crate::clock::{Clock, SystemClock};
use crate::keychain::Backend;
use crate::secret::{SecretBytes, SecretString};
use crate::{Error, Result};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

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

/// A value where the vault keeps it, for whoever needs no copy of its own.
#[derive(Clone, Copy)]
pub enum StoredValue<'a> {
    /// Text, in UTF-8: that was checked when it came in.
    Text(&'a [u8]),
    /// Anything else.
    Bytes(&'a [u8]),
}

impl fmt::Debug for StoredValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredValue(…)")
    }
}

/// What protects a vault. Proven: the root key came from there when the vault was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// The store that holds the root key; `None` for a passphrase.
    pub backend: Option<Backend>,
    /// The vault's file.
    pub path: PathBuf,
    /// How long the key took to come when the vault was opened: the keychain's answers, or the passphrase's derivation.
    pub unlocked_in: Duration,
}

/// One change of a batch.
#[derive(Debug)]
pub enum Change {
    /// Stores a value.
    Set {
        /// The name, at most [`MAX_KEY_BYTES`](super::MAX_KEY_BYTES).
        key: String,
        /// The value, at most [`MAX_VALUE_BYTES`](super::MAX_VALUE_BYTES).
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

impl VaultOptions {
    /// The vault's id, checked.
    pub(super) fn vault_id(&self) -> Result<String> {
        parse_id(self.id.clone())
    }

    /// The directory for the vault's files.
    pub(super) fn dir(&self) -> Result<PathBuf> {
        match &self.path {
            Some(path) => absolute(path.clone()),
            None => default_dir(&self.vault_id()?),
        }
    }
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
