//! What JavaScript is told of a session and of the people who have one. No token is among it.

use crate::provider;
use crate::session::Snapshot;
use napi_derive::napi;

/// Who is signed in, as far as the server tells.
#[napi(object, use_nullable = true)]
#[derive(Debug)]
pub struct User {
    /// The server's identifier.
    pub id: String,
    /// The e-mail address.
    pub email: Option<String>,
    /// The display name.
    pub name: Option<String>,
    /// The URL of a picture.
    pub image: Option<String>,
    /// Whether the server has verified the address.
    pub email_verified: Option<bool>,
}

/// What everybody may know of a session. Holds no token.
#[napi(object, use_nullable = true)]
#[derive(Debug)]
pub struct SessionSnapshot {
    /// Where the session stands. `offline` keeps everything; `expired` means the server ended the session, and keeps the
    /// user; `locked` lets no token out.
    #[napi(
        ts_type = "'signedOut' | 'restoring' | 'signingIn' | 'active' | 'offline' | 'expired' | 'locked'"
    )]
    pub state: String,
    /// Why it stands there. `elsewhere`: another process of the application renewed, signed in or out. `unanswered`: a refresh
    /// token that serves once was sent and no answer came; it may be spent and is not sent again by itself. `notStored`: the
    /// vault could not take the new tokens yet. `busy`: another process renews and does not come to an end.
    /// `challenge`: the server wants the person to prove again who they are, in the browser or with `method: 'stepUp'`.
    #[napi(
        ts_type = "'start' | 'signInStarted' | 'signInFailed' | 'signedIn' | 'restored' | 'refreshed' | 'elsewhere' | 'network' | 'server' | 'rateLimited' | 'busy' | 'notStored' | 'unanswered' | 'challenge' | 'ended' | 'lifetime' | 'signedOut' | 'locked' | 'idle' | 'unlocked'"
    )]
    pub reason: String,
    /// Whose session it is, or was until it ended.
    pub user: Option<User>,
    /// When the token at hand ends if nothing prolongs it, in milliseconds since 1970; `null` when there is none, or the server
    /// did not say. A token that is itself the session, as Better Auth's, ends with it.
    pub expires_at_ms: Option<f64>,
    /// While offline: when the server is asked again, in milliseconds since 1970.
    pub retry_at_ms: Option<f64>,
    /// So many sessions were left here and live on at the server, which could not be reached to hear of it. It hears when it can.
    pub revocations_owed: u32,
    /// Grows with every change.
    pub revision: f64,
}

/// A session of the same person, here or on another device. Holds no token.
#[napi(object, use_nullable = true)]
#[derive(Debug)]
pub struct RemoteSession {
    /// Names it for `endSession`.
    pub id: String,
    /// Whether it is this one.
    pub current: bool,
    /// When it began, in milliseconds since 1970.
    pub created_at_ms: Option<f64>,
    /// When it was used last, in milliseconds since 1970.
    pub active_at_ms: Option<f64>,
    /// When it ends, in milliseconds since 1970.
    pub expires_at_ms: Option<f64>,
    /// The address it was used from.
    pub ip_address: Option<String>,
    /// The software it was used with.
    pub user_agent: Option<String>,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 and counters stay below 2^53"
)]
impl From<Snapshot> for SessionSnapshot {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            state: snapshot.state.name().to_owned(),
            reason: snapshot.reason.name().to_owned(),
            user: snapshot.user.map(Into::into),
            expires_at_ms: snapshot.expires_at_ms.map(|ms| ms as f64),
            retry_at_ms: snapshot.retry_at_ms.map(|ms| ms as f64),
            revocations_owed: u32::try_from(snapshot.revocations_owed).unwrap_or(u32::MAX),
            revision: snapshot.revision as f64,
        }
    }
}

impl From<provider::User> for User {
    fn from(user: provider::User) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            image: user.image,
            email_verified: user.email_verified,
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 stay below 2^53"
)]
impl From<provider::RemoteSession> for RemoteSession {
    fn from(session: provider::RemoteSession) -> Self {
        Self {
            id: session.id,
            current: session.current,
            created_at_ms: session.created_at_ms.map(|ms| ms as f64),
            active_at_ms: session.active_at_ms.map(|ms| ms as f64),
            expires_at_ms: session.expires_at_ms.map(|ms| ms as f64),
            ip_address: session.ip_address,
            user_agent: session.user_agent,
        }
    }
}
