//! The root key's life: in the keychain, or from a passphrase.
//!
//! In the keychain a vault file has one item, named by its slot, so that one prompt opens it and one write changes it as
//! a whole. It holds the key, the key that a rotation under way is about to use, and the generation below which a file is
//! an old copy.
#![forbid(unsafe_code)]

use super::header::{Argon2Cost, Header, KeyProtection};
use super::slot::Slot;
use crate::keychain::{Backend, Keychain};
use crate::secret::{Key, SecretBytes, SecretString};
use crate::{Error, Result};
use argon2::{Algorithm, Argon2, Params, Version};
use std::fmt;
use std::sync::Arc;

const RECORD_VERSION: u8 = 1;
const FIRST_EPOCH: u32 = 1;

/// Where the root key of a vault comes from.
#[derive(Clone)]
pub enum KeySource {
    /// A keychain keeps it.
    Keychain(Arc<dyn Keychain>),
    /// It is derived from a passphrase, by Argon2id. For systems without a keychain, and only when asked for.
    Passphrase(Arc<SecretString>),
}

impl KeySource {
    /// A keychain as the source.
    #[must_use]
    pub fn keychain(keychain: impl Keychain) -> Self {
        Self::Keychain(Arc::new(keychain))
    }

    /// A passphrase as the source.
    #[must_use]
    pub fn passphrase(passphrase: SecretString) -> Self {
        Self::Passphrase(Arc::new(passphrase))
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keychain(_) => "Keychain",
            Self::Passphrase(_) => "Passphrase",
        })
    }
}

/// A root key and what a file's header says about it.
#[derive(Debug)]
pub(crate) struct RootKey {
    pub(crate) epoch: u32,
    pub(crate) protection: KeyProtection,
    pub(crate) key: Key,
}

/// A vault's keys, as their source gave them. Asked for once when the vault is opened: each question may be a prompt.
pub(crate) struct Keys {
    source: KeySource,
    vault_id: String,
    /// What the keychain holds in the slot that was asked for last; `None` when it holds nothing, and for a passphrase.
    record: Option<Record>,
}

impl Keys {
    /// Keys that nobody was asked for yet.
    pub(crate) fn new(source: KeySource, vault_id: &str) -> Self {
        Self {
            source,
            vault_id: vault_id.to_owned(),
            record: None,
        }
    }

    /// Asks the source for the keys in `slot`, which proves that it answers. Writes nothing.
    ///
    /// # Errors
    /// The keychain's, and `ERR_KEY_INVALID` when the item is not a key.
    pub(crate) fn ask(&mut self, slot: Slot) -> Result<()> {
        if let KeySource::Keychain(keychain) = &self.source {
            self.record = Record::read(&**keychain, &self.vault_id, slot)?;
        }
        Ok(())
    }

    pub(crate) fn backend(&self) -> Option<Backend> {
        match &self.source {
            KeySource::Keychain(keychain) => Some(keychain.backend()),
            KeySource::Passphrase(_) => None,
        }
    }

    /// The key that sealed the file with this header.
    ///
    /// # Errors
    /// The keychain's, `ERR_KEY_MISSING`, `ERR_KEY_INVALID`, `ERR_INVALID_PASSPHRASE`, `ERR_PROTECTION_MISMATCH`.
    pub(crate) fn unlock(&mut self, header: &Header) -> Result<RootKey> {
        if let KeySource::Passphrase(passphrase) = &self.source {
            return unlock_with(passphrase, header);
        }
        let slot = header
            .slot()
            .ok_or(Error::ProtectionMismatch("a passphrase"))?;
        if let Some(root) = self.find(header) {
            return Ok(root);
        }
        // Nobody was asked yet, or for another slot; or another process has made or rotated the key since.
        self.ask(slot)?;
        match (&self.record, self.find(header)) {
            (_, Some(root)) => Ok(root),
            (Some(_), None) => Err(Error::KeyInvalid("another key sealed the file")),
            (None, None) => Err(Error::KeyMissing {
                desktops: header.changed_desktops(),
            }),
        }
    }

    /// A rotation that died after the file was replaced left the file's key pending.
    fn find(&self, header: &Header) -> Option<RootKey> {
        let record = self.record.as_ref()?;
        [Some(&record.current), record.pending.as_ref()]
            .into_iter()
            .flatten()
            .find(|root| header.is_sealed_by(root))
            .map(copy)
    }

    /// The key for a file in `slot` that does not exist yet. Made when there is none, and proven to be kept.
    ///
    /// Only when the file's absence is proven, and under the vault's lock.
    ///
    /// # Errors
    /// The keychain's, and `ERR_KEYCHAIN_FAILED` when it does not keep what it was given.
    pub(crate) fn begin(&mut self, slot: Slot) -> Result<RootKey> {
        if let KeySource::Passphrase(passphrase) = &self.source {
            return passphrase_key(passphrase, FIRST_EPOCH);
        }
        let protection = KeyProtection::Keychain(slot);
        let kept = |record: &Record| record.current.protection == protection;
        if !self.record.as_ref().is_some_and(kept) {
            self.ask(slot)?;
        }
        if let Some(record) = &self.record {
            return Ok(copy(&record.current));
        }
        let root = RootKey {
            epoch: FIRST_EPOCH,
            protection,
            key: Key::generate()?,
        };
        self.keep(&root, None, 0)?;
        self.ask(slot)?;
        match &self.record {
            Some(kept) if kept.current.key.expose() == root.key.expose() => Ok(root),
            _ => Err(Error::KeychainFailed(
                "it does not give back what it was given".to_owned(),
            )),
        }
    }

    /// The generation below which a file is an old copy; `None` where nothing keeps it.
    pub(crate) fn anchor(&self) -> Option<u64> {
        self.record.as_ref().map(|record| record.anchor)
    }

    /// Declares files below `generation` old copies. `root` is the key of the file, so any other is forgotten: the one
    /// before a rotation, or one whose rotation never came to its end.
    ///
    /// # Errors
    /// The keychain's.
    pub(crate) fn anchor_at(&mut self, root: &RootKey, generation: u64) -> Result<()> {
        self.keep(root, None, generation)
    }

    /// Makes the key after `current` and, in a keychain, keeps it beside that one until [`Keys::anchor_at`].
    ///
    /// # Errors
    /// The keychain's.
    pub(crate) fn begin_rotation(&mut self, current: &RootKey, generation: u64) -> Result<RootKey> {
        let epoch = current.epoch + 1;
        if let KeySource::Passphrase(passphrase) = &self.source {
            return passphrase_key(passphrase, epoch);
        }
        let next = RootKey {
            epoch,
            protection: current.protection,
            key: Key::generate()?,
        };
        self.keep(current, Some(&next), generation)?;
        Ok(next)
    }

    /// Replaces the passphrase; gives back the one before.
    pub(crate) fn replace_passphrase(&mut self, passphrase: KeySource) -> KeySource {
        std::mem::replace(&mut self.source, passphrase)
    }

    /// Forgets the keys in the slot of `root` for ever.
    ///
    /// # Errors
    /// The keychain's.
    pub(crate) fn forget(&mut self, root: &RootKey) -> Result<()> {
        if let (KeySource::Keychain(keychain), KeyProtection::Keychain(slot)) =
            (&self.source, root.protection)
        {
            keychain.remove(&self.vault_id, &slot.item())?;
        }
        self.record = None;
        Ok(())
    }

    fn keep(&mut self, current: &RootKey, pending: Option<&RootKey>, anchor: u64) -> Result<()> {
        if let (KeySource::Keychain(keychain), KeyProtection::Keychain(slot)) =
            (&self.source, current.protection)
        {
            let record = Record {
                current: copy(current),
                pending: pending.map(copy),
                anchor,
            };
            record.write(&**keychain, &self.vault_id, slot)?;
            self.record = Some(record);
        }
        Ok(())
    }
}

/// The key from `passphrase` that sealed the file with this header.
///
/// # Errors
/// `ERR_INVALID_PASSPHRASE`, and `ERR_PROTECTION_MISMATCH` when a keychain has the key.
pub(crate) fn unlock_with(passphrase: &SecretString, header: &Header) -> Result<RootKey> {
    let KeyProtection::Passphrase(cost) = header.protection else {
        return Err(Error::ProtectionMismatch("the OS keychain"));
    };
    let root = RootKey {
        epoch: header.epoch,
        protection: header.protection,
        key: stretch(passphrase, &cost)?,
    };
    if header.is_sealed_by(&root) {
        Ok(root)
    } else {
        Err(Error::InvalidPassphrase)
    }
}

/// A key from a passphrase under a new salt.
pub(crate) fn passphrase_key(passphrase: &SecretString, epoch: u32) -> Result<RootKey> {
    let cost = Argon2Cost::generate()?;
    Ok(RootKey {
        epoch,
        protection: KeyProtection::Passphrase(cost),
        key: stretch(passphrase, &cost)?,
    })
}

fn stretch(passphrase: &SecretString, cost: &Argon2Cost) -> Result<Key> {
    let failed = |_| Error::Internal("Argon2id refused its parameters");
    let params =
        Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(Key::LEN)).map_err(failed)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    Key::derive(|out| {
        argon2
            .hash_password_into(passphrase.expose().as_bytes(), &cost.salt, out)
            .map_err(failed)
    })
}

fn copy(root: &RootKey) -> RootKey {
    RootKey {
        epoch: root.epoch,
        protection: root.protection,
        key: Key::from_slice(root.key.expose())
            .unwrap_or_else(|| unreachable!("a key has a key's length")),
    }
}

/// The keychain item: `version (1) ‖ anchor (u64) ‖ epoch (u32) ‖ key (32) [ ‖ epoch (u32) ‖ key (32) ]`.
struct Record {
    current: RootKey,
    /// The key that a rotation under way is about to seal the file with.
    pending: Option<RootKey>,
    /// The generation below which a file is an old copy.
    anchor: u64,
}

impl Record {
    fn read(keychain: &dyn Keychain, vault_id: &str, slot: Slot) -> Result<Option<Self>> {
        keychain
            .read(vault_id, &slot.item())?
            .map(|item| Self::decode(item.expose(), slot))
            .transpose()
    }

    fn write(&self, keychain: &dyn Keychain, vault_id: &str, slot: Slot) -> Result<()> {
        // Exactly sized: growing would leave a copy of the key in freed memory.
        let mut bytes = Vec::with_capacity(1 + 8 + 2 * (4 + Key::LEN));
        bytes.push(RECORD_VERSION);
        bytes.extend(self.anchor.to_le_bytes());
        for root in [Some(&self.current), self.pending.as_ref()]
            .into_iter()
            .flatten()
        {
            bytes.extend(root.epoch.to_le_bytes());
            bytes.extend(root.key.expose());
        }
        keychain.write(vault_id, &slot.item(), &SecretBytes::new(bytes))
    }

    fn decode(bytes: &[u8], slot: Slot) -> Result<Self> {
        let invalid = || Error::KeyInvalid("the keychain item is not a Latchkey key");
        let (version, rest) = bytes.split_first().ok_or_else(invalid)?;
        if *version == 0 {
            return Err(invalid());
        }
        if *version > RECORD_VERSION {
            return Err(Error::KeyInvalid(
                "the keychain item was written by a newer Latchkey",
            ));
        }
        let (anchor, mut rest) = rest.split_first_chunk().ok_or_else(invalid)?;
        let mut take = || {
            let (epoch, after) = rest.split_first_chunk()?;
            let (key, after) = after.split_at_checked(Key::LEN)?;
            rest = after;
            Some(RootKey {
                epoch: u32::from_le_bytes(*epoch),
                protection: KeyProtection::Keychain(slot),
                key: Key::from_slice(key)?,
            })
        };
        let record = Self {
            current: take().ok_or_else(invalid)?,
            pending: take(),
            anchor: u64::from_le_bytes(*anchor),
        };
        if !rest.is_empty() {
            return Err(invalid());
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keychain::MemoryKeychain;

    const SLOT: Slot = Slot([3; 16]);

    fn ask(keychain: &MemoryKeychain) -> Result<Keys> {
        let mut keys = Keys::new(KeySource::keychain(keychain.clone()), "id");
        keys.ask(SLOT)?;
        Ok(keys)
    }

    fn keys(keychain: &MemoryKeychain) -> Keys {
        ask(keychain).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_key_is_made_once_even_by_two_that_saw_none() {
        let keychain = MemoryKeychain::default();
        let (mut one, mut two) = (keys(&keychain), keys(&keychain));
        assert!(keychain.is_empty());
        let first = one.begin(SLOT).map(|root| *root.key.expose());
        let second = two.begin(SLOT).map(|root| *root.key.expose());
        assert!(first.is_ok());
        assert_eq!(first, second);
        assert_eq!(keychain.len(), 1);
    }

    #[test]
    fn a_rotation_is_found_whatever_it_died_after() {
        let keychain = MemoryKeychain::default();
        let mut rotating = keys(&keychain);
        let old = rotating.begin(SLOT).unwrap_or_else(|e| panic!("{e}"));
        let opens = |root: &RootKey| {
            let header = Header::generate("id", root).unwrap_or_else(|e| panic!("{e}"));
            keys(&keychain).unlock(&header).is_ok()
        };
        let mut rotate = |from: &RootKey| {
            rotating
                .begin_rotation(from, 0)
                .unwrap_or_else(|e| panic!("{e}"))
        };
        let abandoned = rotate(&old);
        assert!(opens(&old) && opens(&abandoned));
        let next = rotate(&old);
        assert!(opens(&old) && opens(&next) && !opens(&abandoned));
        // The file was replaced, and the process died before it could say so.
        let after = rotate(&next);
        assert!(opens(&next) && opens(&after) && !opens(&old));
        assert_eq!(rotating.anchor_at(&after, 7), Ok(()));
        assert!(opens(&after) && !opens(&next));
        assert_eq!(keys(&keychain).anchor(), Some(7));
    }

    #[test]
    fn an_item_of_the_wrong_form_is_an_error_and_stays() {
        let keychain = MemoryKeychain::default();
        let wrong_items = [
            vec![],
            vec![1],
            vec![1; 44],
            vec![1; 46],
            vec![1; 80],
            vec![1; 82],
            vec![2; 45],
            vec![0; 45],
        ];
        for wrong in wrong_items {
            let item = SecretBytes::new(wrong.clone());
            assert!(keychain.write("id", &SLOT.item(), &item).is_ok());
            let code = ask(&keychain).map_err(|e| e.code()).err();
            assert_eq!(code, Some("ERR_KEY_INVALID"), "{} bytes", wrong.len());
            assert_eq!(keychain.len(), 1);
        }
    }
}
