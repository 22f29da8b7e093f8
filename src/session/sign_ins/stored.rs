//! A sign-in that waits, as it lies in the vault.
#![forbid(unsafe_code)]

use super::super::engine::{Engine, blocking};
use super::super::record::{parse, to_value};
use crate::provider::Awaits;
use crate::vault::{Edit, Value};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What the names of all of them begin with in the vault.
pub(in crate::session) const PREFIX: &str = "sign-in/";

/// A sign-in as it lies in the vault.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    /// The session that it is for.
    pub(super) session: String,
    pub(super) provider: String,
    pub(super) awaits: Awaits,
    pub(super) state: Zeroizing<String>,
    pub(super) begun_at_ms: u64,
    pub(super) expires_at_ms: u64,
    /// Whether a process goes on with it by what came back for it. It stays until that has come to something, and is not
    /// gone on with again.
    #[serde(default)]
    pub(super) claimed: bool,
}

impl Engine {
    pub(super) async fn find(self: &Arc<Self>, id: &str) -> Result<Stored> {
        let (engine, key) = (Arc::clone(self), format!("{PREFIX}{id}"));
        let record = blocking(move || Ok(engine.vault.record(&key)?.0)).await?;
        let found = self.read_stored(record.as_ref());
        found
            .filter(|stored| !stored.claimed)
            .ok_or(Error::SignInNotFound)
    }

    /// A record as a sign-in of this session; `None` for another session's, and for what a newer version noted, which is for
    /// that one to go on with.
    fn read_stored(&self, record: Option<&Value>) -> Option<Stored> {
        let Some(Value::Text(text)) = record else {
            return None;
        };
        let stored: Stored = parse(text).ok()?;
        let is_ours = stored.session == self.key && stored.provider == self.provider.identity();
        is_ours.then_some(stored)
    }

    pub(super) async fn find_by_state(self: &Arc<Self>, state: &str) -> Result<String> {
        let found = self.stored_sign_ins().await?.into_iter().find(|(_, stored)| {
            matches!(&stored.awaits, Awaits::Browser { callback_state, .. } if callback_state == state && !stored.claimed)
        });
        found.map(|(id, _)| id).ok_or(Error::SignInNotFound)
    }

    /// The sign-ins of this session, oldest first.
    pub(super) async fn stored_sign_ins(self: &Arc<Self>) -> Result<Vec<(String, Stored)>> {
        let engine = Arc::clone(self);
        blocking(move || {
            let mut found = Vec::new();
            for key in engine.vault.record_keys(PREFIX)? {
                let record = engine.vault.record(&key)?.0;
                // Or it was ended by another process since the names were read.
                if let Some(stored) = engine.read_stored(record.as_ref()) {
                    found.push((key[PREFIX.len()..].to_owned(), stored));
                }
            }
            found.sort_by_key(|(_, stored)| stored.begun_at_ms);
            Ok(found)
        })
        .await
    }

    pub(super) async fn put_stored(self: &Arc<Self>, id: &str, stored: Stored) -> Result<()> {
        let (engine, key) = (Arc::clone(self), format!("{PREFIX}{id}"));
        blocking(move || {
            let edit = Edit::default().put(&key, to_value(&stored)?);
            engine.vault.edit_records(|_| Ok(Some(edit)))
        })
        .await
        .map(|_| ())
    }

    /// Claims a sign-in: of several who try, one gets it.
    pub(super) async fn claim(self: &Arc<Self>, id: &str) -> Result<Option<Stored>> {
        let (engine, key) = (Arc::clone(self), format!("{PREFIX}{id}"));
        blocking(move || {
            let mut claimed = None;
            engine.vault.edit_records(|records| {
                let Some(Value::Text(text)) = records.get(&key) else {
                    return Ok(None);
                };
                let mut stored: Stored = parse(&text)?;
                if std::mem::replace(&mut stored.claimed, true) {
                    return Ok(None);
                }
                let edit = Edit::default().put(&key, to_value(&stored)?);
                stored.claimed = false;
                claimed = Some(stored);
                Ok(Some(edit))
            })?;
            Ok(claimed)
        })
        .await
    }

    /// Removes a sign-in. Says whether there was one.
    pub(super) async fn remove_stored(self: &Arc<Self>, id: &str) -> Result<bool> {
        let (engine, key) = (Arc::clone(self), format!("{PREFIX}{id}"));
        blocking(move || {
            engine.vault.edit_records(|records| {
                let is_there = records.get(&key).is_some();
                Ok(is_there.then(|| Edit::default().remove(&key)))
            })
        })
        .await
    }
}
