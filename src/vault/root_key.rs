//! The vault's root key as it lies in the keychain: one item, `version (1) ‖ epoch (u32) ‖ key (32)`.
#![forbid(unsafe_code)]

use crate::keychain::Keychain;
use crate::secret::{Key, SecretBytes};
use crate::{Error, Result};

const ITEM: &str = "latchkey-root-key";
const VERSION: u8 = 1;
const FIRST_EPOCH: u32 = 1;
const RECORD_BYTES: usize = 1 + 4 + Key::LEN;

#[derive(Debug)]
pub(crate) struct RootKey {
    pub(crate) epoch: u32,
    pub(crate) key: Key,
}

impl RootKey {
    /// Reads the key; `None` when the keychain answers that there is none.
    ///
    /// # Errors
    /// The keychain's, and `ERR_KEY_INVALID` when the item is not a key.
    pub(crate) fn read(keychain: &dyn Keychain, vault_id: &str) -> Result<Option<Self>> {
        keychain
            .read(vault_id, ITEM)?
            .map(|item| Self::decode(item.expose()))
            .transpose()
    }

    /// Makes a key, stores it, and proves that the keychain gives it back.
    ///
    /// Only when absence of both key and file is proven, and under the vault's lock.
    ///
    /// # Errors
    /// The keychain's, and `ERR_KEYCHAIN_FAILED` when it does not keep what it was given.
    pub(crate) fn create(keychain: &dyn Keychain, vault_id: &str) -> Result<Self> {
        let created = Self {
            epoch: FIRST_EPOCH,
            key: Key::generate()?,
        };
        keychain.write(vault_id, ITEM, &created.encode())?;
        match Self::read(keychain, vault_id)? {
            Some(kept) if kept.key.expose() == created.key.expose() => Ok(created),
            _ => Err(Error::KeychainFailed(
                "it does not give back what it was given".to_owned(),
            )),
        }
    }

    fn encode(&self) -> SecretBytes {
        let mut bytes = Vec::with_capacity(RECORD_BYTES);
        bytes.push(VERSION);
        bytes.extend(self.epoch.to_le_bytes());
        bytes.extend(self.key.expose());
        SecretBytes::new(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let invalid = || Error::KeyInvalid("the keychain item is not a Latchkey key");
        let (version, rest) = bytes.split_first().ok_or_else(invalid)?;
        if *version > VERSION {
            return Err(Error::KeyInvalid(
                "the keychain item was written by a newer Latchkey",
            ));
        }
        let (epoch, key) = rest.split_first_chunk().ok_or_else(invalid)?;
        Ok(Self {
            epoch: u32::from_le_bytes(*epoch),
            key: Key::from_slice(key).ok_or_else(invalid)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keychain::MemoryKeychain;

    #[test]
    fn a_created_key_is_read_back() {
        let keychain = MemoryKeychain::default();
        assert!(matches!(RootKey::read(&keychain, "id"), Ok(None)));
        let created = RootKey::create(&keychain, "id").map(|root| *root.key.expose());
        let read = RootKey::read(&keychain, "id").map(|root| root.map(|root| *root.key.expose()));
        assert_eq!(read, created.map(Some));
    }

    #[test]
    fn an_item_of_the_wrong_form_is_an_error_and_stays() {
        let keychain = MemoryKeychain::default();
        for wrong in [vec![], vec![1], vec![1; 36], vec![1; 38], vec![2; 37]] {
            let item = SecretBytes::new(wrong.clone());
            assert!(keychain.write("id", ITEM, &item).is_ok());
            let code = RootKey::read(&keychain, "id").map_err(|e| e.code()).err();
            assert_eq!(code, Some("ERR_KEY_INVALID"), "{wrong:?}");
            assert_eq!(keychain.len(), 1);
        }
    }
}
