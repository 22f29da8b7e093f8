//! The operating system's keychain, through `keyring-core` and one store crate for each system.
//!
//! The store is named here and never taken from a default: a default could be the kernel's keyutils, which
//! forgets at logout. Linux runs in CI; macOS and Windows are built, not run, until a release workflow has run them.
#![forbid(unsafe_code)]

use super::{Backend, Keychain};
use crate::secret::SecretBytes;
use crate::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyring::api::CredentialStoreApi;
use keyring::{Entry, Error as StoreError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

#[cfg(target_os = "macos")]
use apple_native_keyring_store::keychain::Store;
#[cfg(windows)]
use windows_native_keyring_store::Store;
#[cfg(target_os = "linux")]
use zbus_secret_service_keyring_store::Store;

/// The keychain of the person who is logged in.
///
/// Items are base64, because KWallet and the Windows Credential Manager keep text only.
#[derive(Default)]
pub struct OsKeychain {
    /// The connection, kept only while it works.
    store: Mutex<Option<Arc<Store>>>,
}

impl OsKeychain {
    /// A keychain that connects on first use.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn entry(&self, vault_id: &str, item: &str) -> Result<Entry> {
        let store = self.connect()?;
        store
            .build(vault_id, item, Some(&modifiers(vault_id)))
            .map_err(|error| self.translate(error))
    }

    fn connect(&self) -> Result<Arc<Store>> {
        if let Some(store) = &*self.store() {
            return Ok(Arc::clone(store));
        }
        // Connecting happens outside the lock: a frozen service must not block the calls that come after it.
        let store = Store::new().map_err(|error| match error {
            StoreError::PlatformFailure(cause) => Error::KeychainUnavailable(cause.to_string()),
            other => self.translate(other),
        })?;
        *self.store() = Some(Arc::clone(&store));
        Ok(store)
    }

    fn store(&self) -> std::sync::MutexGuard<'_, Option<Arc<Store>>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Maps a store's error to ours and forgets the connection, so that the next call makes a new one.
    fn translate(&self, error: StoreError) -> Error {
        *self.store() = None;
        match error {
            StoreError::Ambiguous(_) => Error::KeychainAmbiguous,
            // On Linux: locked, and still locked after the prompt, which was dismissed or which nobody could show.
            StoreError::NoStorageAccess(_) if cfg!(target_os = "linux") => Error::KeychainLocked,
            StoreError::NoStorageAccess(cause) => Error::KeychainUnavailable(cause.to_string()),
            StoreError::PlatformFailure(cause) => platform_error(cause.as_ref()),
            StoreError::NoDefaultStore => Error::KeychainUnavailable("no store".to_owned()),
            StoreError::BadEncoding(_) | StoreError::BadDataFormat(..) => {
                Error::KeyInvalid("the item is not text")
            }
            // The remaining variants concern names and limits, which are ours and fixed; their text names no secret.
            other => Error::KeychainFailed(other.to_string()),
        }
    }
}

/// An item that another program has put into the keychain.
#[cfg(not(windows))]
#[derive(Debug)]
pub(crate) struct Found {
    /// What it is found by.
    pub(crate) attributes: HashMap<String, String>,
    pub(crate) secret: SecretBytes,
}

impl OsKeychain {
    /// Every item that has these attributes, whoever put it there. Linux: the attributes of the Secret Service. macOS:
    /// `service` and `user`. Changes nothing.
    ///
    /// # Errors
    /// As for [`Keychain::read`].
    #[cfg(not(windows))]
    pub(crate) fn search(&self, attributes: &HashMap<&str, &str>) -> Result<Vec<Found>> {
        let store = self.connect()?;
        let found = store
            .search(attributes)
            .map_err(|error| self.translate(error))?;
        let read = |entry: Entry| {
            let secret = SecretBytes::new(entry.get_secret()?);
            let attributes = match entry.get_specifiers() {
                // macOS finds an item by these two.
                Some((service, user)) if cfg!(target_os = "macos") => {
                    HashMap::from([("service".to_owned(), service), ("user".to_owned(), user)])
                }
                _ => entry.get_attributes()?,
            };
            Ok(Found { attributes, secret })
        };
        found
            .into_iter()
            .map(|entry| read(entry).map_err(|error| self.translate(error)))
            .collect()
    }

    /// The generic credential with exactly this target name, whoever put it there.
    ///
    /// # Errors
    /// As for [`Keychain::read`].
    #[cfg(windows)]
    pub(crate) fn credential(&self, target: &str) -> Result<Option<SecretBytes>> {
        let store = self.connect()?;
        let named = HashMap::from([("target", target)]);
        let entry = store
            .build(target, "", Some(&named))
            .map_err(|error| self.translate(error))?;
        match entry.get_secret() {
            Ok(bytes) => Ok(Some(SecretBytes::new(bytes))),
            Err(StoreError::NoEntry) => Ok(None),
            Err(error) => Err(self.translate(error)),
        }
    }
}

impl Keychain for OsKeychain {
    fn backend(&self) -> Backend {
        if cfg!(target_os = "macos") {
            Backend::AppleKeychain
        } else if cfg!(windows) {
            Backend::CredentialManager
        } else {
            Backend::SecretService
        }
    }

    fn read(&self, vault_id: &str, item: &str) -> Result<Option<SecretBytes>> {
        let entry = self.entry(vault_id, item)?;
        let text = match entry.get_secret() {
            Ok(bytes) => SecretBytes::new(bytes),
            Err(StoreError::NoEntry) => return Ok(None),
            Err(error) => return Err(self.translate(error)),
        };
        STANDARD
            .decode(text.expose())
            .map(|bytes| Some(SecretBytes::new(bytes)))
            .map_err(|_| Error::KeyInvalid("the item is not base64"))
    }

    fn write(&self, vault_id: &str, item: &str, secret: &SecretBytes) -> Result<()> {
        let text = SecretBytes::new(STANDARD.encode(secret.expose()).into_bytes());
        self.entry(vault_id, item)?
            .set_secret(text.expose())
            .map_err(|error| self.translate(error))
    }

    fn remove(&self, vault_id: &str, item: &str) -> Result<()> {
        match self.entry(vault_id, item)?.delete_credential() {
            Ok(()) | Err(StoreError::NoEntry) => Ok(()),
            Err(error) => Err(self.translate(error)),
        }
    }
}

#[cfg(target_os = "linux")]
fn modifiers(_vault_id: &str) -> HashMap<&'static str, &'static str> {
    HashMap::from([("label", "Latchkey vault key")])
}

#[cfg(target_os = "macos")]
fn modifiers(_vault_id: &str) -> HashMap<&'static str, &'static str> {
    HashMap::new()
}

/// Windows roams credentials to other machines by default; the vault file does not roam, so neither may its key.
#[cfg(windows)]
fn modifiers(_vault_id: &str) -> HashMap<&'static str, &'static str> {
    HashMap::from([("persistence", "Local")])
}

type Cause = dyn std::error::Error + Send + Sync + 'static;

#[cfg(target_os = "linux")]
fn platform_error(cause: &Cause) -> Error {
    use secret_service::Error as Service;
    match cause.downcast_ref::<Service>() {
        Some(Service::Unavailable) => service_gone(),
        // The service went away after the connection was made; D-Bus says so in the error's name.
        _ if NOBODY_ANSWERS
            .iter()
            .any(|name| cause.to_string().contains(name)) =>
        {
            service_gone()
        }
        _ => Error::KeychainFailed(cause.to_string()),
    }
}

/// D-Bus error names (the specification's "org.freedesktop.DBus.Error.…") that mean nobody is there to ask.
#[cfg(target_os = "linux")]
const NOBODY_ANSWERS: [&str; 5] = [
    "ServiceUnknown",
    "NameHasNoOwner",
    "NoReply",
    "Disconnected",
    "Spawn",
];

#[cfg(target_os = "linux")]
fn service_gone() -> Error {
    Error::KeychainUnavailable("no Secret Service on the session bus".to_owned())
}

#[cfg(target_os = "macos")]
fn platform_error(cause: &Cause) -> Error {
    /// `errSecUserCanceled`, `errSecAuthFailed` (Security framework, SecBase.h): the person or a policy refused.
    const REFUSED: [i32; 2] = [-128, -25293];
    /// `errSecInteractionNotAllowed`: locked, and no prompt may be shown.
    const LOCKED: i32 = -25308;
    match cause.downcast_ref::<security_framework::base::Error>() {
        Some(error) if REFUSED.contains(&error.code()) => Error::KeychainDenied,
        Some(error) if error.code() == LOCKED => Error::KeychainLocked,
        _ => Error::KeychainFailed(cause.to_string()),
    }
}

#[cfg(windows)]
fn platform_error(cause: &Cause) -> Error {
    Error::KeychainFailed(cause.to_string())
}
