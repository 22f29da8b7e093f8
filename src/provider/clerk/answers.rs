//! What Clerk's resources say, as far as it is needed here.
#![forbid(unsafe_code)]

use crate::provider::{RemoteSession, User};
use serde::Deserialize;

/// Most answers: the resource, and the client as it is now.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope<T> {
    pub(super) response: T,
    pub(super) client: Option<ClientAnswer>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ClientAnswer {
    #[serde(default)]
    pub(super) sessions: Vec<SessionAnswer>,
    pub(super) last_active_session_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct SessionAnswer {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) last_active_organization_id: Option<String>,
    pub(super) last_active_token: Option<TokenAnswer>,
    pub(super) user: Option<UserAnswer>,
    created_at: Option<u64>,
    last_active_at: Option<u64>,
    expire_at: Option<u64>,
    latest_activity: Option<Activity>,
}

#[derive(Debug, Deserialize)]
struct Activity {
    ip_address: Option<String>,
    browser_name: Option<String>,
    device_type: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    pub(super) jwt: String,
}

impl std::fmt::Debug for TokenAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenAnswer").finish_non_exhaustive()
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct UserAnswer {
    id: String,
    username: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    image_url: Option<String>,
    primary_email_address_id: Option<String>,
    #[serde(default)]
    email_addresses: Vec<EmailAddress>,
}

#[derive(Debug, Deserialize)]
struct EmailAddress {
    id: String,
    email_address: String,
    verification: Option<VerificationAnswer>,
}

/// A sign-in, or a verification of a session.
#[derive(Debug, Deserialize)]
pub(super) struct AttemptAnswer {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) supported_first_factors: Option<Vec<FactorAnswer>>,
    pub(super) supported_second_factors: Option<Vec<FactorAnswer>>,
    pub(super) first_factor_verification: Option<VerificationAnswer>,
    pub(super) created_session_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FactorAnswer {
    pub(super) strategy: String,
    pub(super) safe_identifier: Option<String>,
    pub(super) email_address_id: Option<String>,
    pub(super) phone_number_id: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct VerificationAnswer {
    pub(super) status: Option<String>,
    pub(super) external_verification_redirect_url: Option<String>,
    pub(super) error: Option<Fault>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Fault {
    pub(super) code: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct SignUpAnswer {
    pub(super) id: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) missing_fields: Vec<String>,
    #[serde(default)]
    pub(super) unverified_fields: Vec<String>,
    pub(super) email_address: Option<String>,
    pub(super) created_session_id: Option<String>,
}

/// The person's sessions come as they are or in an envelope.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum SessionsAnswer {
    Plain(Vec<SessionAnswer>),
    Enveloped { response: Vec<SessionAnswer> },
}

impl SessionAnswer {
    /// Whether it goes on. `pending` does: its person has something left to do.
    pub(super) fn is_alive(&self) -> bool {
        matches!(self.status.as_str(), "active" | "pending")
    }

    pub(super) fn into_remote(self, current: &str) -> RemoteSession {
        let activity = self.latest_activity;
        let (ip_address, names) = activity.map_or((None, [None, None]), |activity| {
            (
                activity.ip_address,
                [activity.browser_name, activity.device_type],
            )
        });
        let names: Vec<String> = names.into_iter().flatten().collect();
        RemoteSession {
            current: self.id == current,
            id: self.id,
            created_at_ms: self.created_at,
            active_at_ms: self.last_active_at,
            expires_at_ms: self.expire_at,
            ip_address,
            user_agent: (!names.is_empty()).then(|| names.join(", ")),
        }
    }
}

impl ClientAnswer {
    pub(super) fn take_session(self, id: &str) -> Option<SessionAnswer> {
        self.sessions.into_iter().find(|session| session.id == id)
    }
}

impl From<UserAnswer> for User {
    fn from(user: UserAnswer) -> Self {
        let primary = user.primary_email_address_id;
        let email = user
            .email_addresses
            .into_iter()
            .find(|email| primary.as_ref().is_none_or(|id| email.id == *id));
        let is_verified = |email: &EmailAddress| {
            let verification = email.verification.as_ref()?;
            Some(verification.status.as_deref() == Some("verified"))
        };
        let names: Vec<String> = [user.first_name, user.last_name]
            .into_iter()
            .flatten()
            .collect();
        Self {
            id: user.id,
            email_verified: email.as_ref().and_then(is_verified),
            email: email.map(|email| email.email_address),
            name: if names.is_empty() {
                user.username
            } else {
                Some(names.join(" "))
            },
            image: user.image_url,
        }
    }
}
