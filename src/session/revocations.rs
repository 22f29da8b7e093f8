//! What the server is still to be told: sessions that were left here and live on there. Kept in the vault until it has heard.
#![forbid(unsafe_code)]

use super::engine::{Engine, blocking};
use super::freshness;
use super::record::{StoredCredentials, parse, to_value};
use crate::http::Url;
use crate::provider::Credentials;
use crate::vault::{Edit, Records, Value};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

const KEY: &str = "revocations";
/// Of more the oldest are forgotten: their sessions end by themselves.
const MOST: usize = 16;
/// How long the server may take to hear of one.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(5);

/// A session that is to end on the server.
#[derive(Serialize, Deserialize)]
struct Owed {
    provider: String,
    credentials: StoredCredentials,
}

/// Notes that `credentials` are to be revoked.
///
/// # Errors
/// `ERR_VAULT_CORRUPT`, `ERR_INTERNAL`.
pub(super) fn add(
    records: &Records<'_>,
    edit: Edit,
    provider: &str,
    credentials: &Credentials,
) -> Result<Edit> {
    let mut owed = read(records.get(KEY).as_ref())?;
    owed.push(Owed {
        provider: provider.to_owned(),
        credentials: StoredCredentials::of(credentials),
    });
    let excess = owed.len().saturating_sub(MOST);
    owed.drain(..excess);
    Ok(edit.put(KEY, to_value(&owed)?))
}

fn read(value: Option<&Value>) -> Result<Vec<Owed>> {
    match value {
        Some(Value::Text(text)) => parse(text),
        _ => Ok(Vec::new()),
    }
}

impl Engine {
    /// Notes that a session nobody holds is to end, and tells the server as soon as it can be reached.
    pub(super) fn revoke_later(self: &Arc<Self>, credentials: Credentials) {
        let engine = Arc::clone(self);
        self.runtime.spawn(async move {
            let noting = Arc::clone(&engine);
            let owed = credentials.duplicate();
            let noted = blocking(move || {
                let identity = noting.provider.identity();
                noting.vault.edit_records(|records| {
                    add(records, Edit::default(), &identity, &owed).map(Some)
                })
            })
            .await;
            match noted {
                Ok(_) => engine.deliver_revocations(),
                // What cannot be kept is tried once.
                Err(_) => {
                    let _ = engine.revoke(&credentials).await;
                }
            }
        });
    }

    /// Tells the server what it is still to be told, in the background, until it has heard. Does nothing when nothing is owed.
    pub(super) fn deliver_revocations(self: &Arc<Self>) {
        // One at a time; whoever finds another at work leaves it what there is to do.
        if self.is_delivering.swap(true, Ordering::SeqCst) {
            return;
        }
        let engine = Arc::clone(self);
        self.runtime.spawn(async move {
            let mut failures = 0;
            while engine.core().check_open().is_ok() {
                match engine.deliver_all().await {
                    Ok(true) => failures = 0,
                    Ok(false) => break,
                    Err(_) => {
                        failures += 1;
                        let wait_ms = freshness::retry_delay_ms(failures, 0);
                        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
                    }
                }
            }
            engine.is_delivering.store(false, Ordering::SeqCst);
            // What became owed between the last look and this is not left lying.
            if engine.core().check_open().is_ok() && engine.owes().await {
                engine.deliver_revocations();
            }
        });
    }

    /// Tells the server what it is to be told while the caller waits, for as long as the server may take, and goes on in the
    /// background when it cannot be reached. Two who tell it the same do no harm.
    pub(super) async fn deliver_now(self: &Arc<Self>) {
        let delivered = tokio::time::timeout(REVOKE_TIMEOUT, self.deliver_all()).await;
        if !matches!(delivered, Ok(Ok(_))) {
            self.deliver_revocations();
        }
    }

    /// Whether the server is to be told anything. `false` when the vault cannot say.
    async fn owes(self: &Arc<Self>) -> bool {
        let engine = Arc::clone(self);
        let identity = self.provider.identity();
        let owed = blocking(move || read(engine.vault.record(KEY)?.0.as_ref())).await;
        owed.is_ok_and(|owed| owed.iter().any(|owed| owed.provider == identity))
    }

    /// Tells the server once all that is owed. Says whether there was anything; fails when it could not be reached.
    async fn deliver_all(self: &Arc<Self>) -> Result<bool> {
        let reading = Arc::clone(self);
        let owed = blocking(move || read(reading.vault.record(KEY)?.0.as_ref())).await?;
        let identity = self.provider.identity();
        let mut left: Vec<_> = owed
            .into_iter()
            .filter(|owed| owed.provider == identity)
            .collect();
        let is_any = !left.is_empty();
        while let Some(Owed { credentials, .. }) = left.pop() {
            let credentials = credentials.into_credentials();
            if let Err(error) = self.revoke(&credentials).await {
                self.core().owe_revocations(left.len() + 1);
                return Err(error);
            }
            self.forget_revocation(credentials).await?;
        }
        self.core().owe_revocations(0);
        Ok(is_any)
    }

    /// Has the server end a session. An answer that refuses is an answer.
    pub(super) async fn revoke(self: &Arc<Self>, credentials: &Credentials) -> Result<()> {
        let cx = self.context(None);
        let revoking = self.provider.revoke(&cx, credentials);
        match tokio::time::timeout(REVOKE_TIMEOUT, revoking).await {
            Err(_) => Err(Error::Timeout {
                timeout_ms: u64::try_from(REVOKE_TIMEOUT.as_millis()).unwrap_or(u64::MAX),
                sent: true,
            }),
            Ok(Err(error)) if error.is_passing() => Err(error),
            Ok(_) => Ok(()),
        }
    }

    /// What the browser may open to sign out there too. A server that cannot say in time has no say.
    pub(super) async fn sign_out_url(
        self: &Arc<Self>,
        credentials: &Credentials,
        return_to: Option<&str>,
    ) -> Option<Url> {
        let cx = self.context(None);
        let asking = self.provider.sign_out_url(&cx, credentials, return_to);
        let asked = tokio::time::timeout(REVOKE_TIMEOUT, asking).await;
        asked.ok()?.ok()?
    }

    async fn forget_revocation(self: &Arc<Self>, credentials: Credentials) -> Result<()> {
        let engine = Arc::clone(self);
        blocking(move || {
            engine.vault.edit_records(|records| {
                let mut owed = read(records.get(KEY).as_ref())?;
                owed.retain(|owed| !owed.credentials.are(&credentials));
                // Delivered tokens leave no trace in the file.
                let edit = Edit::default().traceless();
                Ok(Some(if owed.is_empty() {
                    edit.remove(KEY)
                } else {
                    edit.put(KEY, to_value(&owed)?)
                }))
            })
        })
        .await
        .map(|_| ())
    }
}
