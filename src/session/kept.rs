//! What a provider keeps beside a session: one record for each name, of this account and server.
#![forbid(unsafe_code)]

use super::engine::{Engine, blocking};
use super::record::{parse, to_value};
use super::renewal::TURN_TIMEOUT;
use crate::Result;
use crate::provider::{Context, Current, Exclusive, Keep};
use crate::secret::SecretString;
use crate::vault::{Edit, OwnedLock, Value};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use zeroize::Zeroizing;

#[derive(Serialize, Deserialize)]
struct Stored {
    provider: String,
    value: Zeroizing<String>,
}

impl Engine {
    /// What the provider works with, and the session at hand if `current` says so.
    pub(super) fn context<'a>(self: &'a Arc<Self>, current: Option<Current<'a>>) -> Context<'a> {
        Context {
            http: &self.http,
            now_ms: self.now_ms(),
            keep: self,
            current,
        }
    }

    fn kept_key(&self, name: &str) -> String {
        format!("provider/{}/{name}", self.key)
    }
}

#[async_trait]
impl Keep for Arc<Engine> {
    async fn load(&self, name: &'static str) -> Result<Option<SecretString>> {
        let (engine, key) = (Arc::clone(self), self.kept_key(name));
        blocking(move || {
            let Some(Value::Text(text)) = engine.vault.record(&key)?.0 else {
                return Ok(None);
            };
            let mut stored: Stored = parse(&text)?;
            let is_ours = stored.provider == engine.provider.identity();
            Ok(is_ours.then(|| SecretString::new(std::mem::take(&mut *stored.value))))
        })
        .await
    }

    async fn store(&self, name: &'static str, value: Option<SecretString>) -> Result<()> {
        let (engine, key) = (Arc::clone(self), self.kept_key(name));
        blocking(move || {
            let stored = value.map(|value| Stored {
                provider: engine.provider.identity(),
                value: Zeroizing::new(value.expose().to_owned()),
            });
            engine.vault.edit_records(|records| {
                let Some(stored) = stored else {
                    let is_kept = records.get(&key).is_some();
                    return Ok(is_kept.then(|| Edit::default().remove(&key)));
                };
                let (new, old) = (to_value(&stored)?, records.get(&key));
                let is_same = matches!((&new, &old), (Value::Text(new), Some(Value::Text(old))) if new == old);
                Ok((!is_same).then(|| Edit::default().put(&key, new)))
            })
        })
        .await
        .map(|_| ())
    }

    async fn exclusive(&self) -> Result<Exclusive> {
        let path = self.turn_path.with_extension("provider.lock");
        blocking(move || OwnedLock::take(&path, TURN_TIMEOUT).map(Exclusive::new)).await
    }
}
