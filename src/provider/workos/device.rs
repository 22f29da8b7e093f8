//! Signing in on another device (RFC 8628), which WorkOS calls CLI Auth.
#![forbid(unsafe_code)]

use super::Secret;
use super::refusal::Refusal;
use super::sign_in::State;
use crate::Result;
use crate::oauth::{self, DeviceAuthorization};
use crate::provider::{Awaits, Pending, Step};
use serde::{Deserialize, Serialize};

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
    pub(super) fn of(asked: DeviceAuthorization, now_ms: u64) -> Self {
        Self {
            device_code: asked.device_code,
            user_code: asked.user_code,
            verification_uri: asked.verification_uri,
            verification_uri_complete: asked.verification_uri_complete,
            interval_ms: asked.interval_ms,
            expires_at_ms: now_ms.saturating_add(asked.expires_in_ms.min(LONGEST_LIFETIME_MS)),
        }
    }

    /// Follows an answer that grants nothing: to wait, or to give up.
    ///
    /// # Errors
    /// `ERR_SIGN_IN_EXPIRED`, `ERR_ACCESS_DENIED`, and what else a sign-in is refused with.
    pub(super) fn wait_after(&mut self, refusal: Refusal) -> Result<()> {
        match oauth::Refusal::of(refusal.code()) {
            oauth::Refusal::NotYet => Ok(()),
            oauth::Refusal::TooFast => {
                self.interval_ms = oauth::slower(self.interval_ms);
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
