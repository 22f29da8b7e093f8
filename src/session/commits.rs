//! Every change of the stored session: the vault first, memory after it, one at a time.
//!
//! A renewal is stored only over the very tokens it renewed. So whatever a sign-out, a sign-in or a renewal in any process
//! stored meanwhile stands, and what came too late is ended on the server, which nobody else knows of it.
#![forbid(unsafe_code)]

use super::core::{Fresh, Unstored};
use super::engine::{Engine, blocking};
use super::record::{Record, Stamp};
use super::state::Reason;
use crate::provider::{Credentials, Grant, Spending, User};
use crate::vault::Edit;
use crate::{Error, Result};
use std::sync::Arc;

/// What becomes of a session that a sign-in replaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replaced {
    /// The server is told to end it: nobody holds it any more.
    Ends,
    /// It is left alone: the new tokens may be later ones of the same session, which would end with it.
    Stays,
}

impl Engine {
    /// Keeps a session that was granted, or has the server end it: nobody else knows of it. `replaced`: what becomes of the
    /// one that was there.
    pub(super) async fn commit_sign_in(
        self: &Arc<Self>,
        generation: u64,
        grant: Grant,
        replaced: Replaced,
    ) -> Result<User> {
        let user = grant.user.clone();
        let granted = grant.credentials.duplicate();
        let costs_nothing = self.provider.spending(&granted) == Spending::Nothing;
        let must_ask = granted.expires_at_ms.is_none() && costs_nothing;
        if let Err(error) = self.store_sign_in(generation, grant, replaced).await {
            self.revoke_later(granted);
            return Err(error);
        }
        if must_ask {
            let _ = self.join_flight();
        }
        self.deliver_revocations();
        Ok(user)
    }

    async fn store_sign_in(
        self: &Arc<Self>,
        generation: u64,
        grant: Grant,
        replaced: Replaced,
    ) -> Result<()> {
        let _in_order = self.commits.lock().await;
        self.core().check_generation(generation)?;
        let record = Record {
            stamp: Stamp::of_sign_in()?,
            user: grant.user,
            credentials: Some(grant.credentials),
            signed_in_at_ms: self.now_ms(),
            spent_at_ms: None,
            locked: false,
        };
        let engine = Arc::clone(self);
        let record = blocking(move || {
            let identity = engine.provider.identity();
            engine.vault.edit_records(|records| {
                let value = record.to_value(&identity)?;
                let edit = Edit::default().put(&engine.key, value).anchored();
                let before = Record::find(records, &engine.key, &identity)?;
                match before.and_then(|before| before.credentials) {
                    Some(before) if replaced == Replaced::Ends && !record.has_token_of(&before) => {
                        super::revocations::add(records, edit, &identity, &before).map(Some)
                    }
                    _ => Ok(Some(edit)),
                }
            })?;
            Ok(record)
        })
        .await?;
        // A sign-out that came meanwhile waits for this commit to end, and then removes what it stored.
        let mut core = self.core();
        core.check_generation(generation)?;
        core.sign_in(record);
        drop(core);
        self.policy.used_at(self.now_ms());
        self.policy_changed.notify_one();
        Ok(())
    }

    /// Keeps a renewal of `renewed`, unless another sign-in, sign-out or renewal of any process came first.
    ///
    /// # Errors
    /// `ERR_SUPERSEDED`; the vault's: then the grant is kept in memory until the vault takes it.
    pub(super) async fn commit_renewal(
        self: &Arc<Self>,
        renewed: &Fresh,
        grant: Grant,
    ) -> Result<()> {
        let _in_order = self.commits.lock().await;
        let granted = grant.credentials.duplicate();
        let in_time = self.core().check_generation(renewed.generation);
        let stored = match in_time {
            Ok(()) => self.store_renewal(renewed.stamp, grant).await,
            Err(error) => Err((error, None)),
        };
        let stored = stored.and_then(|record| {
            // A sign-out that came meanwhile waits for this commit to end, and then removes what it stored.
            let mut core = self.core();
            core.check_generation(renewed.generation)
                .map_err(|error| (error, None))?;
            core.renew(record);
            Ok(())
        });
        let Err((error, unstored)) = stored else {
            return Ok(());
        };
        if error == Error::Superseded && self.provider.spending(&granted) != Spending::Nothing {
            self.revoke_later(granted);
        }
        if let Some(grant) = unstored {
            let mut core = self.core();
            if core.check_generation(renewed.generation).is_ok() {
                core.unstored = Some(Unstored {
                    grant: *grant,
                    replaces: renewed.stamp,
                });
            }
        }
        Err(error)
    }

    /// Writes a renewal over the tokens it renewed. Gives the grant back when the vault did not take it.
    async fn store_renewal(
        self: &Arc<Self>,
        renewed: Stamp,
        grant: Grant,
    ) -> std::result::Result<Record, (Error, Option<Box<Grant>>)> {
        let engine = Arc::clone(self);
        let kept = Grant {
            credentials: grant.credentials.duplicate(),
            user: grant.user.clone(),
        };
        let stored = blocking(move || {
            let identity = engine.provider.identity();
            let mut record = None;
            let mut grant = Some(grant);
            engine.vault.edit_records(|records| {
                let stored = Record::find(records, &engine.key, &identity)?;
                let (Some(stored), Some(grant)) = (stored, grant.take()) else {
                    return Ok(None);
                };
                if stored.stamp != renewed || stored.credentials.is_none() {
                    return Ok(None);
                }
                let renewed = record.insert(Record {
                    stamp: stored.stamp.renewed(),
                    user: grant.user,
                    credentials: Some(grant.credentials),
                    spent_at_ms: None,
                    ..stored
                });
                let value = renewed.to_value(&identity)?;
                Ok(Some(Edit::default().put(&engine.key, value)))
            })?;
            Ok(record)
        })
        .await;
        match stored {
            Ok(Some(record)) => Ok(record),
            Ok(None) => Err((Error::Superseded, None)),
            Err(error) => Err((error, Some(Box::new(kept)))),
        }
    }

    /// Notes that the refresh token of these credentials is about to be sent, or that it was not taken.
    ///
    /// # Errors
    /// `ERR_SUPERSEDED` when these are not the stored credentials any more, and the vault's.
    pub(super) async fn mark_spent(self: &Arc<Self>, stamp: Stamp, is_spent: bool) -> Result<()> {
        let _in_order = self.commits.lock().await;
        let spent_at_ms = is_spent.then(|| self.now_ms());
        let changed = self
            .edit_record(move |stored| {
                (stored.stamp == stamp && stored.credentials.is_some()).then_some(Record {
                    spent_at_ms,
                    ..stored
                })
            })
            .await?;
        if changed {
            Ok(())
        } else {
            Err(Error::Superseded)
        }
    }

    /// Has the vault say whether the session is locked, for every process and the next start.
    ///
    /// # Errors
    /// The vault's: then what it says is not believed here any more.
    pub(super) async fn commit_lock(self: &Arc<Self>) -> Result<()> {
        let _in_order = self.commits.lock().await;
        // As it stands now: a later lock or unlock may have come first.
        let locked = self.core().is_locked();
        self.edit_record(move |stored| {
            (stored.locked != locked && stored.credentials.is_some())
                .then_some(Record { locked, ..stored })
        })
        .await?;
        self.core().lock_stored();
        Ok(())
    }

    /// Replaces the stored record by what `change` makes of it; says whether it was replaced.
    async fn edit_record(
        self: &Arc<Self>,
        change: impl FnOnce(Record) -> Option<Record> + Send + 'static,
    ) -> Result<bool> {
        let engine = Arc::clone(self);
        blocking(move || {
            let identity = engine.provider.identity();
            engine.vault.edit_records(|records| {
                let stored = Record::find(records, &engine.key, &identity)?;
                stored
                    .and_then(change)
                    .map(|record| {
                        let value = record.to_value(&identity)?;
                        Ok(Edit::default().put(&engine.key, value))
                    })
                    .transpose()
            })
        })
        .await
    }

    /// The session of `ended` is over: its tokens go, its user stays.
    ///
    /// # Errors
    /// `ERR_SUPERSEDED` when another process stored something newer, and the vault's.
    pub(super) async fn commit_end(self: &Arc<Self>, ended: &Fresh) -> Result<()> {
        let _in_order = self.commits.lock().await;
        let removed = self.remove_tokens(ended.stamp, None).await;
        if removed == Ok(false) {
            return Err(Error::Superseded);
        }
        let mut core = self.core();
        core.check_generation(ended.generation)?;
        core.end(Reason::Ended);
        drop(core);
        removed.map(|_| ())
    }

    /// The tokens of `stamp`, which memory has dropped, go from the vault, and the server is to end them.
    pub(super) async fn commit_removal(
        self: &Arc<Self>,
        stamp: Stamp,
        credentials: &Credentials,
    ) -> Result<()> {
        let _in_order = self.commits.lock().await;
        let owed = credentials.duplicate();
        self.remove_tokens(stamp, Some(owed)).await.map(|_| ())
    }

    /// Takes the tokens of `stamp` out of the vault and leaves their user; `owed` are those that the server is to end. Says
    /// whether they were still the stored ones.
    async fn remove_tokens(
        self: &Arc<Self>,
        stamp: Stamp,
        owed: Option<Credentials>,
    ) -> Result<bool> {
        let engine = Arc::clone(self);
        blocking(move || {
            let identity = engine.provider.identity();
            engine.vault.edit_records(|records| {
                let stored = Record::find(records, &engine.key, &identity)?;
                let Some(stored) = stored.filter(|stored| stored.stamp == stamp) else {
                    return Ok(None);
                };
                let mut edit = Edit::default();
                if let Some(owed) = owed {
                    edit = super::revocations::add(records, edit, &identity, &owed)?;
                }
                let value = stored.without_tokens().to_value(&identity)?;
                Ok(Some(edit.put(&engine.key, value).anchored().traceless()))
            })
        })
        .await
    }

    /// Removes the stored session, and notes what the server is to be told.
    pub(super) async fn commit_sign_out(
        self: &Arc<Self>,
        credentials: Option<&Credentials>,
    ) -> Result<()> {
        let _in_order = self.commits.lock().await;
        let owed = credentials.map(Credentials::duplicate);
        let engine = Arc::clone(self);
        blocking(move || {
            let identity = engine.provider.identity();
            engine.vault.edit_records(|records| {
                let mut edit = Edit::default();
                if let Some(owed) = owed {
                    edit = super::revocations::add(records, edit, &identity, &owed)?;
                }
                if records.get(&engine.key).is_some() {
                    edit = edit.remove(&engine.key).anchored().traceless();
                }
                Ok((!edit.is_empty()).then_some(edit))
            })
        })
        .await
        .map(|_| ())
    }
}
