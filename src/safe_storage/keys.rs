//! The keys of `safeStorage`, as a record of the vault: `version (1) ‖ n × (id (4) ‖ epoch (u32) ‖ key (32))`, the newest last.
#![forbid(unsafe_code)]

use crate::secret::{Key, SecretBytes, fill_random};
use crate::vault::{Edit, Records, Value, Vault};
use crate::{Error, Result};

const RECORD: &str = "safe-storage\0keys";
const VERSION: u8 = 1;
pub(super) const ID_BYTES: usize = 4;
const KEY_BYTES: usize = ID_BYTES + 4 + Key::LEN;

/// One key and when it was made.
#[derive(Debug)]
pub(crate) struct SealingKey {
    pub(super) id: [u8; ID_BYTES],
    /// The root key's epoch at that time.
    pub(super) epoch: u32,
    pub(super) key: Key,
}

/// All keys so far. None is ever dropped.
pub(super) struct Keys(SecretBytes);

impl Keys {
    pub(super) fn load(vault: &Vault) -> Result<Self> {
        Self::decode(vault.record(RECORD)?.0)
    }

    /// Makes a key for this epoch, unless another process was faster.
    pub(super) fn begin(vault: &Vault, epoch: u32) -> Result<SealingKey> {
        vault.edit_records(|records: &Records<'_>| {
            let before = Self::decode(records.get(RECORD))?;
            if before.newest().is_some_and(|newest| newest.epoch == epoch) {
                return Ok(None);
            }
            let key = SealingKey {
                id: before.unused_id()?,
                epoch,
                key: Key::generate()?,
            };
            let bytes = before.with(&key);
            Ok(Some(Edit::default().put(RECORD, Value::Bytes(bytes))))
        })?;
        Self::load(vault)?
            .newest()
            .ok_or(Error::Internal("a key that was stored is not there"))
    }

    fn decode(record: Option<Value>) -> Result<Self> {
        let corrupt = || Error::VaultCorrupt("the keys of safeStorage have an unknown form");
        let bytes = match record {
            None => return Ok(Self(SecretBytes::default())),
            Some(Value::Bytes(bytes)) => bytes,
            Some(Value::Text(_)) => return Err(corrupt()),
        };
        match bytes.expose() {
            [VERSION, keys @ ..] if keys.len() % KEY_BYTES == 0 => Ok(Self(bytes)),
            _ => Err(corrupt()),
        }
    }

    fn each(&self) -> impl DoubleEndedIterator<Item = &[u8; KEY_BYTES]> {
        let keys = self.0.expose().get(1..).unwrap_or_default();
        keys.as_chunks().0.iter()
    }

    pub(super) fn newest(&self) -> Option<SealingKey> {
        self.each().next_back().and_then(parse)
    }

    pub(super) fn find(&self, id: [u8; ID_BYTES]) -> Option<SealingKey> {
        self.each().find(|key| key.starts_with(&id)).and_then(parse)
    }

    /// Random, so that two copies of one vault that go different ways do not give one id to two keys.
    fn unused_id(&self) -> Result<[u8; ID_BYTES]> {
        loop {
            let mut id = [0; ID_BYTES];
            fill_random(&mut id)?;
            if !self.each().any(|key| key.starts_with(&id)) {
                return Ok(id);
            }
        }
    }

    fn with(&self, key: &SealingKey) -> SecretBytes {
        let before = self.0.expose().get(1..).unwrap_or_default();
        // Exactly sized: growing would leave a copy of the keys in freed memory.
        let mut bytes = Vec::with_capacity(1 + before.len() + KEY_BYTES);
        bytes.push(VERSION);
        bytes.extend(before);
        bytes.extend(key.id);
        bytes.extend(key.epoch.to_le_bytes());
        bytes.extend(key.key.expose());
        SecretBytes::new(bytes)
    }
}

fn parse(bytes: &[u8; KEY_BYTES]) -> Option<SealingKey> {
    let (id, rest) = bytes.split_first_chunk()?;
    let (epoch, key) = rest.split_first_chunk()?;
    Some(SealingKey {
        id: *id,
        epoch: u32::from_le_bytes(*epoch),
        key: Key::from_slice(key)?,
    })
}
