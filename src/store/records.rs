//! The records of one store: each is a name and a text, and a batch of them is one frame.
//!
//! In the vault they are records of Latchkey's own, named `store`, the store's name and the record's, with NUL between
//! them. docs/format.md holds what the texts say.

use crate::secret::SecretString;
use crate::vault::{Edit, RecordChange, RecordChanges, Value, Vault};
use crate::{Error, Result};
use tokio::sync::mpsc::UnboundedReceiver;

/// The records of one store, in a vault that others share.
#[derive(Debug, Clone)]
pub struct StoreRecords {
    vault: Vault,
    prefix: String,
}

/// One record, or that there is none under its name any more.
#[derive(Debug)]
pub struct Record {
    /// The name, unlike every other of this store.
    pub name: String,
    /// The text; `None` when the record is gone, or is to go.
    pub text: Option<SecretString>,
}

/// What differs from what the caller knows.
#[derive(Debug)]
pub struct Update {
    /// What to ask with the next time.
    pub version: u64,
    /// Whether `records` are all there are, and the caller forgets what it knew.
    pub is_whole: bool,
    /// Those that changed, or all.
    pub records: Vec<Record>,
}

impl StoreRecords {
    /// The records of the store with this name.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for a name that holds NUL.
    pub fn new(vault: Vault, store: &str) -> Result<Self> {
        if store.contains('\0') {
            return Err(Error::InvalidArgument(
                "The name of a store must not hold NUL.".to_owned(),
            ));
        }
        let prefix = format!("store\0{store}\0");
        Ok(Self { vault, prefix })
    }

    /// What any process has written since `since`; `None` when that is nothing, which is told without waiting for anybody.
    ///
    /// # Errors
    /// As for [`Vault::get`].
    pub fn since(&self, since: Option<u64>) -> Result<Option<Update>> {
        if since.is_some() && self.vault.records_version()? == since {
            return Ok(None);
        }
        let changes = self.vault.records_since(&self.prefix, since)?;
        self.update(changes).map(Some)
    }

    /// Writes what `decide` answers, with no write of any process between what it is told and what it answers: one frame, or
    /// none for `None`. Answers the version that the caller then knows.
    ///
    /// `decide` must not call the vault: it is locked.
    ///
    /// # Errors
    /// Those of `decide`, and as for [`Vault::set`].
    pub fn edit(
        &self,
        since: Option<u64>,
        decide: impl FnOnce(Update) -> Result<Option<Vec<Record>>>,
    ) -> Result<Option<u64>> {
        let mut known = None;
        self.vault.edit_records(|records| {
            let update = self.update(records.since(&self.prefix, since))?;
            let version = update.version;
            let Some(changes) = decide(update)? else {
                return Ok(None);
            };
            let mut edit = Edit::default();
            // Each change counts one.
            known = Some(version + changes.len() as u64);
            for Record { name, text } in changes {
                let key = format!("{}{name}", self.prefix);
                edit = match text {
                    Some(text) => edit.put(&key, Value::Text(text)),
                    None => edit.remove(&key),
                };
            }
            Ok((!edit.is_empty()).then_some(edit))
        })?;
        Ok(known)
    }

    /// Says when a record of any store may have changed, in this or in any other process. Ends when the vault is closed.
    ///
    /// # Errors
    /// `ERR_VAULT_CLOSED`, `ERR_VAULT_IO` when the directory cannot be watched.
    pub fn subscribe(&self) -> Result<UnboundedReceiver<()>> {
        self.vault.subscribe_records()
    }

    fn update(&self, changes: RecordChanges) -> Result<Update> {
        let record = |change: RecordChange| {
            let name = change.key.strip_prefix(&self.prefix).unwrap_or_default();
            let text = match change.value {
                Some(Value::Text(text)) => Some(text),
                None => None,
                Some(Value::Bytes(_)) => {
                    return Err(Error::VaultCorrupt("a record of a store is not text"));
                }
            };
            Ok(Record {
                name: name.to_owned(),
                text,
            })
        };
        Ok(Update {
            version: changes.version,
            is_whole: changes.is_whole,
            records: changes
                .records
                .into_iter()
                .map(record)
                .collect::<Result<_>>()?,
        })
    }
}
