//! The root key's life: in the keychain, or from a passphrase.
//!
//! In the keychain a vault file has one item, named by its slot, so that one prompt opens it and one write changes it as
//! a whole. It holds the key, the key that a rotation under way is about to use, and the generation below which a file is
//! an old copy.
#![forbid(unsafe_code)]

use super::header::{Argon2Cost, Header, KeyProtection};
use super::slot::Slot;
use crate::keychain::{Backend, Held, Keychain};
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

impl RootKey {
    pub(crate) fn copy(&self) -> Self {
        Self {
            epoch: self.epoch,
            protection: self.protection,
            key: Key::from_slice(self.key.expose())
                .unwrap_or_else(|| unreachable!("a key has a key's length")),
        }
    }
}

/// A file's key as its source gave it.
#[derive(Debug)]
pub(crate) struct Unlocked {
    pub(crate) root: RootKey,
    /// The generation below which a file is an old copy; `None` where nothing keeps it.
    pub(crate) anchor: Option<u64>,
}

/// Where a vault's keys are asked for and kept. Remembers nothing: each call asks, and each question may be a prompt.
///
/// What writes or removes an item wants its lock to hold; see [`anchor`](super::anchor).
#[derive(Clone)]
pub(crate) struct Keys {
    source: KeySource,
    vault_id: String,
}

impl Keys {
    pub(crate) fn new(source: KeySource, vault_id: &str) -> Self {
        Self {
            source,
            vault_id: vault_id.to_owned(),
        }
    }

    pub(crate) fn backend(&self) -> Option<Backend> {
        match &self.source {
            KeySource::Keychain(keychain) => Some(keychain.backend()),
            KeySource::Passphrase(_) => None,
        }
    }

    /// Proves that the source answers, with the item in `slot`. Writes nothing.
    ///
    /// # Errors
    /// The keychain's, and `ERR_KEY_INVALID` when the item is not a key.
    pub(crate) fn prove(&self, slot: Slot) -> Result<()> {
        self.ask(slot).map(drop)
    }

    /// The key that sealed the file with this header.
    ///
    /// # Errors
    /// The keychain's, `ERR_KEY_MISSING`, `ERR_KEY_INVALID`, `ERR_INVALID_PASSPHRASE`, `ERR_PROTECTION_MISMATCH`.
    pub(crate) fn unlock(&self, header: &Header) -> Result<Unlocked> {
        if let KeySource::Passphrase(passphrase) = &self.source {
            let root = unlock_with(passphrase, header)?;
            return Ok(Unlocked { root, anchor: None });
        }
        let slot = header
            .slot()
            .ok_or(Error::ProtectionMismatch("a passphrase"))?;
        let record = self.ask(slot)?.ok_or_else(|| Error::KeyMissing {
            desktops: header.changed_desktops(),
        })?;
        let anchor = Some(record.anchor);
        // A rotation that died after the file was replaced left the file's key pending.
        [Some(record.current), record.pending]
            .into_iter()
            .flatten()
            .find(|root| header.is_sealed_by(root))
            .map(|root| Unlocked { root, anchor })
            .ok_or(Error::KeyInvalid("another key sealed the file"))
    }

    /// The key for a file in `slot` that does not exist yet. Made when there is none, and proven to be kept.
    ///
    /// Only when the file's absence is proven, or a recovery is about to replace it, and under the vault's lock too.
    ///
    /// # Errors
    /// The keychain's, and `ERR_KEYCHAIN_FAILED` when it does not keep what it was given.
    pub(crate) fn begin(&self, slot: Slot, held: &Held) -> Result<Unlocked> {
        if let KeySource::Passphrase(passphrase) = &self.source {
            let root = passphrase_key(passphrase, FIRST_EPOCH)?;
            return Ok(Unlocked { root, anchor: None });
        }
        if let Some(record) = self.ask(slot)? {
            return Ok(Unlocked {
                root: record.current,
                anchor: Some(record.anchor),
            });
        }
        let root = RootKey {
            epoch: FIRST_EPOCH,
            protection: KeyProtection::Keychain(slot),
            key: Key::generate()?,
        };
        self.keep(&root, None, 0, held)?;
        match self.ask(slot)? {
            Some(kept) if kept.current.key.expose() == root.key.expose() => Ok(Unlocked {
                root,
                anchor: Some(0),
            }),
            _ => Err(Error::KeychainFailed(
                "it does not give back what it was given".to_owned(),
            )),
        }
    }

    /// A key to seal the file with after `current`, kept nowhere yet.
    ///
    /// # Errors
    /// `ERR_INTERNAL`.
    pub(crate) fn next(&self, current: &RootKey) -> Result<RootKey> {
        let epoch = current.epoch + 1;
        match &self.source {
            KeySource::Passphrase(passphrase) => passphrase_key(passphrase, epoch),
            KeySource::Keychain(_) => Ok(RootKey {
                epoch,
                protection: current.protection,
                key: Key::generate()?,
            }),
        }
    }

    /// Replaces the item: by the file's key, the key that the file is about to be sealed with, and the generation below
    /// which a file is an old copy. Any other key is forgotten: the one before a rotation, or one whose rotation never came
    /// to its end. Without a keychain nothing is to be kept.
    ///
    /// # Errors
    /// The keychain's.
    pub(crate) fn keep(
        &self,
        current: &RootKey,
        pending: Option<&RootKey>,
        anchor: u64,
        held: &Held,
    ) -> Result<()> {
        let Some((keychain, slot)) = self.place(current) else {
            return Ok(());
        };
        let item = encode(current, pending, anchor);
        keychain.write_holding(&self.vault_id, &slot.item(), &item, Arc::clone(held))
    }

    /// Forgets the keys in the slot of `root` for ever.
    ///
    /// # Errors
    /// The keychain's.
    pub(crate) fn forget(&self, root: &RootKey, held: &Held) -> Result<()> {
        let Some((keychain, slot)) = self.place(root) else {
            return Ok(());
        };
        keychain.remove_holding(&self.vault_id, &slot.item(), Arc::clone(held))
    }

    /// Where `root` is kept; `None` for one from a passphrase.
    fn place(&self, root: &RootKey) -> Option<(&dyn Keychain, Slot)> {
        match (&self.source, root.protection) {
            (KeySource::Keychain(keychain), KeyProtection::Keychain(slot)) => {
                Some((&**keychain, slot))
            }
            _ => None,
        }
    }

    /// What is in `slot`; `None` when there is nothing, and for a passphrase.
    fn ask(&self, slot: Slot) -> Result<Option<Record>> {
        match &self.source {
            KeySource::Keychain(keychain) => keychain
                .read(&self.vault_id, &slot.item())?
                .map(|item| Record::decode(item.expose(), slot))
                .transpose(),
            KeySource::Passphrase(_) => Ok(None),
        }
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

/// The keychain item: `version (1) ‖ anchor (u64) ‖ epoch (u32) ‖ key (32) [ ‖ epoch (u32) ‖ key (32) ]`.
struct Record {
    current: RootKey,
    /// The key that a rotation under way is about to seal the file with.
    pending: Option<RootKey>,
    /// The generation below which a file is an old copy.
    anchor: u64,
}

impl Record {
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

fn encode(current: &RootKey, pending: Option<&RootKey>, anchor: u64) -> SecretBytes {
    // Exactly sized: growing would leave a copy of the key in freed memory.
    let mut bytes = Vec::with_capacity(1 + 8 + 2 * (4 + Key::LEN));
    bytes.push(RECORD_VERSION);
    bytes.extend(anchor.to_le_bytes());
    for root in [Some(current), pending].into_iter().flatten() {
        bytes.extend(root.epoch.to_le_bytes());
        bytes.extend(root.key.expose());
    }
    SecretBytes::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keychain::MemoryKeychain;

    const SLOT: Slot = Slot([3; 16]);

    fn keys(keychain: &MemoryKeychain) -> Keys {
        Keys::new(KeySource::keychain(keychain.clone()), "id")
    }

    fn held() -> Held {
        Arc::new(())
    }

    #[test]
    fn a_key_is_made_once_even_by_two_that_saw_none() {
        let keychain = MemoryKeychain::default();
        let (one, two) = (keys(&keychain), keys(&keychain));
        assert_eq!((one.prove(SLOT), two.prove(SLOT)), (Ok(()), Ok(())));
        assert!(keychain.is_empty());
        let begin = |keys: &Keys| {
            let begun = keys.begin(SLOT, &held()).unwrap_or_else(|e| panic!("{e}"));
            *begun.root.key.expose()
        };
        assert_eq!(begin(&one), begin(&two));
        assert_eq!(keychain.len(), 1);
    }

    #[test]
    fn a_rotation_is_found_whatever_it_died_after() {
        let keychain = MemoryKeychain::default();
        let keys = keys(&keychain);
        let held = held();
        let old = keys.begin(SLOT, &held).unwrap_or_else(|e| panic!("{e}"));
        let old = old.root;
        let unlock = |root: &RootKey| {
            let header = Header::generate("id", root).unwrap_or_else(|e| panic!("{e}"));
            keys.unlock(&header)
        };
        let opens = |root: &RootKey| unlock(root).is_ok();
        let rotate = |from: &RootKey| {
            let next = keys.next(from).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(keys.keep(from, Some(&next), 0, &held), Ok(()));
            next
        };
        let abandoned = rotate(&old);
        assert!(opens(&old) && opens(&abandoned));
        let next = rotate(&old);
        assert!(opens(&old) && opens(&next) && !opens(&abandoned));
        // The file was replaced, and the process died before it could say so.
        let after = rotate(&next);
        assert!(opens(&next) && opens(&after) && !opens(&old));
        assert_eq!(keys.keep(&after, None, 7, &held), Ok(()));
        assert!(!opens(&next));
        assert_eq!(unlock(&after).map(|found| found.anchor), Ok(Some(7)));
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
            let code = keys(&keychain).prove(SLOT).map_err(|e| e.code()).err();
            assert_eq!(code, Some("ERR_KEY_INVALID"), "{} bytes", wrong.len());
            assert_eq!(keychain.len(), 1);
        }
    }
}
