//! What a provider works with: the network, the time, the session at hand, and what it keeps.
#![forbid(unsafe_code)]

use super::session::{Credentials, User};
use crate::Result;
use crate::http::HttpClient;
use crate::secret::SecretString;
use async_trait::async_trait;
use std::fmt::Debug;

/// The session at hand.
#[derive(Debug)]
pub struct Current<'a> {
    /// What proves it.
    pub credentials: &'a Credentials,
    /// Whose it is.
    pub user: &'a User,
}

/// What a provider works with.
#[derive(Debug)]
pub struct Context<'a> {
    /// What sends its requests.
    pub http: &'a HttpClient,
    /// The time, in milliseconds since 1970 by the local clock.
    pub now_ms: u64,
    /// What it keeps for itself.
    pub keep: &'a dyn Keep,
    /// The session at hand, if there is one.
    pub current: Option<Current<'a>>,
}

/// What a provider keeps beside a session, such as a trusted device: sealed, and separate for each account and server. It
/// outlives sign-outs.
#[async_trait]
pub trait Keep: Debug + Send + Sync {
    /// What was kept under `name`; `None` when nothing was.
    ///
    /// # Errors
    /// The vault's.
    async fn load(&self, name: &'static str) -> Result<Option<SecretString>>;

    /// Keeps `value` durably, `None` forgets what was kept.
    ///
    /// # Errors
    /// The vault's.
    async fn store(&self, name: &'static str, value: Option<SecretString>) -> Result<()>;

    /// Waits until no other process holds this.
    ///
    /// # Errors
    /// `ERR_VAULT_BUSY`, `ERR_VAULT_IO`.
    async fn exclusive(&self) -> Result<Exclusive>;
}

/// Held by one process at a time, until it is dropped.
pub struct Exclusive(#[expect(dead_code, reason = "it is held, not read")] Box<dyn Send + Sync>);

impl Exclusive {
    /// Wraps what is to be held.
    pub fn new(guard: impl Send + Sync + 'static) -> Self {
        Self(Box::new(guard))
    }
}

impl Debug for Exclusive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exclusive").finish_non_exhaustive()
    }
}
