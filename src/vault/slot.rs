//! Which of a vault id's keychain items belongs to a file.
#![forbid(unsafe_code)]

use crate::{Error, Result};
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// Names the keychain item of one vault file: vaults with one id in different folders have different keys.
///
/// The file carries its slot in its header, so it finds its key wherever it is moved to. Not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot(pub(super) [u8; 16]);

impl Slot {
    /// The slot of a file that is made in `dir`.
    ///
    /// By the folder and not at random: a file that is made in place of a deleted one finds that one's item, and with it
    /// the generation below which a file is an old copy. No item is left behind either.
    ///
    /// # Errors
    /// `ERR_VAULT_IO` when the path cannot be made absolute.
    pub(crate) fn of(dir: &Path) -> Result<Self> {
        let dir =
            std::path::absolute(dir).map_err(Error::vault_io("name the vault's directory"))?;
        // As components: without a separator at the end, which names the same folder.
        let name = dir.components().as_path().as_os_str().as_encoded_bytes();
        let digest = Sha256::new().chain_update(b"latchkey v1 slot");
        let digest: [u8; 32] = digest.chain_update(name).finalize().into();
        let mut slot = [0; 16];
        slot.copy_from_slice(&digest[..16]);
        Ok(Self(slot))
    }

    /// The name of the keychain item, under the vault's id.
    pub(crate) fn item(self) -> String {
        format!("latchkey-root-key.{:032x}", u128::from_be_bytes(self.0))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn item(dir: &str) -> String {
        let slot = Slot::of(Path::new(dir)).unwrap_or_else(|e| panic!("{e}"));
        slot.item()
    }

    /// A change here would lose the key of every vault whose file is made anew.
    #[test]
    fn the_item_of_a_folder_has_always_the_same_name() {
        let name = "latchkey-root-key.4aa031174324bd838c1d1e28496a0427";
        assert_eq!(item("/home/ada/.local/share/com.example.app"), name);
        assert_eq!(item("/home//ada/./.local/share/com.example.app/"), name);
        assert_ne!(item("/home/ada/.local/share/com.example.app2"), name);
    }
}
