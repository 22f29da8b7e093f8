//! A server's keys, fetched when they are needed, and once more when it signs with one that is not known.
#![forbid(unsafe_code)]

use super::{JwkSet, Jws};
use crate::http::{HttpClient, Method, Request, Url};
use crate::{Error, Result};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// How long a key that is not known is not asked for again. A token may name any key, and must not make us ask each time.
const PAUSE: Duration = Duration::from_secs(30);

/// The keys of one server.
#[derive(Debug, Default)]
pub struct Jwks(Mutex<Option<Fetched>>);

#[derive(Debug)]
struct Fetched {
    keys: JwkSet,
    /// When a key that was not known was asked for last.
    missed_at: Option<Instant>,
    /// Whether a token named a key that is not among these.
    is_behind: bool,
}

impl Fetched {
    fn check(&self, token: &Jws<'_>) -> Result<()> {
        if !self.keys.knows(token) {
            return Err(Error::IdTokenInvalid("no key of the server's fits it"));
        }
        if !self.keys.verifies(token) {
            return Err(Error::IdTokenInvalid("its signature is wrong"));
        }
        Ok(())
    }

    fn may_ask(&self) -> bool {
        self.missed_at.is_none_or(|at| at.elapsed() >= PAUSE)
    }
}

impl Jwks {
    /// Gets the keys at hand, and new ones where a token has named one that is not among them, so that nothing has to wait
    /// for them later.
    ///
    /// # Errors
    /// Those of [`HttpClient::send`], `ERR_SERVER`, `ERR_UNEXPECTED_RESPONSE`.
    pub async fn load(&self, http: &HttpClient, url: &Url) -> Result<()> {
        let mut fetched = self.0.lock().await;
        let (is_behind, missed_at) = match &*fetched {
            Some(known) if known.is_behind && known.may_ask() => (true, Some(Instant::now())),
            Some(known) => (false, known.missed_at),
            None => (true, None),
        };
        if is_behind {
            *fetched = Some(Fetched {
                keys: fetch(http, url).await?,
                missed_at,
                is_behind: false,
            });
        }
        Ok(())
    }

    /// Checks that the server signed the token, with the keys at hand. `None`: with these it cannot be told.
    pub async fn verify_at_hand(&self, token: &Jws<'_>) -> Option<Result<()>> {
        let mut guard = self.0.lock().await;
        let fetched = guard.as_mut()?;
        if !fetched.keys.knows(token) {
            fetched.is_behind = true;
            return None;
        }
        Some(fetched.check(token))
    }

    /// Checks that the server signed the token.
    ///
    /// # Errors
    /// `ERR_ID_TOKEN_INVALID` when it did not; those of [`Jwks::load`] when its keys cannot be had.
    pub async fn verify(&self, http: &HttpClient, url: &Url, token: &Jws<'_>) -> Result<()> {
        self.load(http, url).await?;
        let mut guard = self.0.lock().await;
        let Some(fetched) = guard.as_mut() else {
            return Err(Error::Internal("keys were forgotten"));
        };
        if !fetched.keys.knows(token) && fetched.may_ask() {
            fetched.keys = fetch(http, url).await?;
            fetched.missed_at = Some(Instant::now());
        }
        fetched.check(token)
    }
}

async fn fetch(http: &HttpClient, url: &Url) -> Result<JwkSet> {
    let response = http.send(Request::new(Method::GET, url.clone())).await?;
    if response.status.is_server_error() {
        return Err(Error::Server {
            status: response.status.as_u16(),
        });
    }
    JwkSet::parse(&response.body).ok_or(Error::UnexpectedResponse("no keys in the answer"))
}
