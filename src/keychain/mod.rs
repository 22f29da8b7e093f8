//! Where the root key lives.
//!
//! [`Keychain`] is the seam: the operating system's store in [`os`], a store in memory for tests in [`memory`].
//! A keychain holds small items, each named by the vault id and an item name.
//!
//! Invariants every implementation keeps:
//! - `Ok(None)` means the store answered and holds no such item. Locked, denied and broken are errors.
//! - Nothing caches a failure: after the person unlocks the keychain the next call works.

mod deadline;
mod memory;
mod os;

pub use deadline::Deadline;
pub(crate) use deadline::within;
pub use memory::MemoryKeychain;
pub use os::OsKeychain;

use crate::Result;
use crate::secret::SecretBytes;
use std::sync::Arc;

/// Which store protects the root key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Backend {
    /// The Secret Service on Linux: gnome-keyring, KWallet, KeePassXC.
    SecretService,
    /// The keychain of macOS.
    AppleKeychain,
    /// The Credential Manager of Windows.
    CredentialManager,
    /// The memory of this process. Tests only: the key is gone with the process.
    Memory,
}

impl Backend {
    /// The name used in `protection()`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SecretService => "secret-service",
            Self::AppleKeychain => "keychain",
            Self::CredentialManager => "credential-manager",
            Self::Memory => "memory",
        }
    }

    /// What the backend protects against, in one sentence for a settings page.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::SecretService => {
                "The key is kept by this desktop's Secret Service, sealed with the login password. Other programs of the same user can ask for it while the keyring is unlocked."
            }
            Self::AppleKeychain => {
                "The key is kept by the macOS keychain, sealed with the login password. macOS asks before another program reads it."
            }
            Self::CredentialManager => {
                "The key is kept by the Windows Credential Manager, sealed with the sign-in credentials. Other programs of the same user can ask for it."
            }
            Self::Memory => "The key is kept in memory only and is lost when the process ends.",
        }
    }
}

/// Something that is held while a call is under way, such as a lock, and let go of when the last clone is dropped.
pub type Held = Arc<dyn Send + Sync>;

/// A store of small secrets that outlives the process.
///
/// Calls may block for as long as a person takes to type a password: wrap the store in a [`Deadline`] and never
/// call it on a thread that must stay responsive.
pub trait Keychain: Send + Sync + 'static {
    /// Which store this is.
    fn backend(&self) -> Backend;

    /// Reads an item; `None` when the store answers that there is none.
    ///
    /// # Errors
    /// `ERR_KEYCHAIN_UNAVAILABLE`, `ERR_KEYCHAIN_LOCKED`, `ERR_KEYCHAIN_DENIED`, `ERR_KEYCHAIN_AMBIGUOUS`,
    /// `ERR_KEYCHAIN_FAILED`, and `ERR_KEYCHAIN_TIMEOUT` under a [`Deadline`].
    fn read(&self, vault_id: &str, item: &str) -> Result<Option<SecretBytes>>;

    /// Creates or replaces an item.
    ///
    /// # Errors
    /// As for [`Keychain::read`].
    fn write(&self, vault_id: &str, item: &str, secret: &SecretBytes) -> Result<()>;

    /// Removes an item. Removing an absent item succeeds.
    ///
    /// # Errors
    /// As for [`Keychain::read`].
    fn remove(&self, vault_id: &str, item: &str) -> Result<()>;

    /// As [`Keychain::write`], with `held` until the store has done with it. Under a [`Deadline`] that can be long after
    /// the call has returned.
    ///
    /// # Errors
    /// As for [`Keychain::write`].
    fn write_holding(
        &self,
        vault_id: &str,
        item: &str,
        secret: &SecretBytes,
        held: Held,
    ) -> Result<()> {
        let written = self.write(vault_id, item, secret);
        drop(held);
        written
    }

    /// As [`Keychain::remove`], with `held` as in [`Keychain::write_holding`].
    ///
    /// # Errors
    /// As for [`Keychain::remove`].
    fn remove_holding(&self, vault_id: &str, item: &str, held: Held) -> Result<()> {
        let removed = self.remove(vault_id, item);
        drop(held);
        removed
    }
}
