//! What was imported before: a record of the vault, written in the same step as the values.
//!
//! It holds a digest of each entry as it stood in its source. So a value that the app has deleted since does not come back
//! when the import runs again, and one that an older version of the app has written anew is seen.
#![forbid(unsafe_code)]

use crate::secret::SecretString;
use crate::vault::Value;
use crate::{Error, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// What of one source was imported.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger(BTreeMap<String, String>);

impl Ledger {
    /// The record for what goes from one kind of source to one place.
    pub(crate) fn record(kind: &str, name: &str) -> String {
        format!("import\0{kind}\0{name}")
    }

    pub(crate) fn decode(record: Option<Value>) -> Result<Self> {
        let decoded = match record {
            None => Some(Self::default()),
            Some(Value::Text(text)) => serde_json::from_str(text.expose()).map(Self).ok(),
            Some(Value::Bytes(_)) => None,
        };
        decoded.ok_or(Error::VaultCorrupt(
            "an import's record has an unknown form",
        ))
    }

    pub(crate) fn encode(&self) -> Result<Value> {
        let text = serde_json::to_string(&self.0)
            .map_err(|_| Error::Internal("an import's record is not JSON"))?;
        Ok(Value::Text(SecretString::new(text)))
    }

    pub(crate) fn has(&self, entry: &str, original: &[u8]) -> bool {
        self.0.get(entry) == Some(&digest(original))
    }

    /// Notes the entry; says whether that is new.
    pub(crate) fn note(&mut self, entry: &str, original: &[u8]) -> bool {
        let digest = digest(original);
        self.0.insert(entry.to_owned(), digest.clone()) != Some(digest)
    }
}

fn digest(bytes: &[u8]) -> String {
    STANDARD_NO_PAD.encode(Sha256::digest(bytes))
}
