//! Signing in on another device (RFC 8628), which WorkOS calls CLI Auth.
#![forbid(unsafe_code)]

use super::refusal::Refusal;
use super::{Secret, State};
use crate::http::{Origin, parse_url};
use crate::provider::{Awaits, Pending, Step};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// RFC 8628 section 3.4.
pub(super) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Where the server does not say (RFC 8628 section 3.2), and how much more when it wants more time (section 3.5).
const INTERVAL_MS: u64 = 5_000;
/// A server that names a shorter one than this is not helped by it.
const SHORTEST_INTERVAL_MS: u64 = 1_000;
const LONGEST_INTERVAL_MS: u64 = 60_000;
/// A day: nobody types a code later.
const LONGEST_LIFETIME_MS: u64 = 86_400_000;

/// What the server was asked for and waits for the person to allow.
#[derive(Serialize, Deserialize)]
pub(super) struct Device {
    pub(super) device_code: Secret,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    interval_ms: u64,
    expires_at_ms: u64,
}

impl Device {
    /// # Errors
    /// `ERR_UNEXPECTED_RESPONSE` for an answer without codes, or with an address that no browser should open.
    pub(super) fn parse(body: &[u8], now_ms: u64) -> Result<Self> {
        #[derive(Deserialize)]
        struct Answer {
            device_code: Secret,
            user_code: String,
            verification_uri: String,
            verification_uri_complete: Option<String>,
            expires_in: f64,
            interval: Option<f64>,
        }
        let unexpected = || Error::UnexpectedResponse("no codes for another device");
        let answer: Answer = serde_json::from_slice(body).map_err(|_| unexpected())?;
        let addresses = std::iter::once(&answer.verification_uri)
            .chain(answer.verification_uri_complete.as_ref());
        for address in addresses {
            let is_page = parse_url(address).and_then(|url| Origin::of(&url)).is_ok();
            if !is_page {
                return Err(unexpected());
            }
        }
        Ok(Self {
            device_code: answer.device_code,
            user_code: answer.user_code,
            verification_uri: answer.verification_uri,
            verification_uri_complete: answer.verification_uri_complete,
            interval_ms: answer
                .interval
                .map_or(INTERVAL_MS, to_millis)
                .clamp(SHORTEST_INTERVAL_MS, LONGEST_INTERVAL_MS),
            expires_at_ms: now_ms
                .saturating_add(to_millis(answer.expires_in).min(LONGEST_LIFETIME_MS)),
        })
    }

    /// Follows an answer that grants nothing: to wait, or to give up.
    ///
    /// # Errors
    /// `ERR_SIGN_IN_EXPIRED`, `ERR_ACCESS_DENIED`, and what else a sign-in is refused with.
    pub(super) fn wait_after(&mut self, refusal: Refusal) -> Result<()> {
        match refusal.code() {
            "authorization_pending" => Ok(()),
            "slow_down" => {
                self.interval_ms = (self.interval_ms + INTERVAL_MS).min(LONGEST_INTERVAL_MS);
                Ok(())
            }
            _ => Err(refusal.of_sign_in()),
        }
    }

    /// # Errors
    /// `ERR_INTERNAL`.
    pub(super) fn pending(self) -> Result<Step> {
        let awaits = Awaits::Device {
            user_code: self.user_code.clone(),
            verification_uri: self.verification_uri.clone(),
            verification_uri_complete: self.verification_uri_complete.clone(),
            interval_ms: self.interval_ms,
        };
        let expires_at_ms = self.expires_at_ms;
        Ok(Step::Pending(Pending {
            awaits,
            state: State::Device(self).seal()?,
            expires_at_ms,
        }))
    }
}

/// Of a number of seconds that is none, nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float is cast to the nearest whole number that there is"
)]
fn to_millis(seconds: f64) -> u64 {
    (seconds * 1000.0) as u64
}
