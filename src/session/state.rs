//! The states of a session and the one table of how they follow each other.
#![forbid(unsafe_code)]

use crate::provider::User;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Nobody is signed in.
    SignedOut,
    /// A stored session was found and is being confirmed. The user is known already.
    Restoring,
    /// A sign-in is under way.
    SigningIn,
    /// The server confirmed the session.
    Active,
    /// The session stands, but the server could not be asked. It is asked again by itself.
    Offline,
    /// The server ended the session. The user is still known, so that nothing but the tokens is lost.
    Expired,
    /// The session is locked: no token leaves until it is unlocked.
    Locked,
}

impl State {
    /// The name used in JavaScript.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SignedOut => "signedOut",
            Self::Restoring => "restoring",
            Self::SigningIn => "signingIn",
            Self::Active => "active",
            Self::Offline => "offline",
            Self::Expired => "expired",
            Self::Locked => "locked",
        }
    }
}

/// Why a session stands where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The session was opened.
    Start,
    /// Somebody is signing in.
    SignInStarted,
    /// A sign-in failed; the state is the one before.
    SignInFailed,
    /// Somebody signed in.
    SignedIn,
    /// The stored session was confirmed.
    Restored,
    /// The session was confirmed again.
    Refreshed,
    /// The server could not be reached.
    Network,
    /// The server failed.
    Server,
    /// The server asks to slow down.
    RateLimited,
    /// The server said that the session is over.
    Ended,
    /// Somebody signed out.
    SignedOut,
}

impl Reason {
    /// The name used in JavaScript.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::SignInStarted => "signInStarted",
            Self::SignInFailed => "signInFailed",
            Self::SignedIn => "signedIn",
            Self::Restored => "restored",
            Self::Refreshed => "refreshed",
            Self::Network => "network",
            Self::Server => "server",
            Self::RateLimited => "rateLimited",
            Self::Ended => "ended",
            Self::SignedOut => "signedOut",
        }
    }
}

/// Something that happened to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    SignInStarted,
    /// The state to go back to.
    SignInFailed(State),
    SignedIn,
    Renewed,
    /// The server could not say whether the session goes on.
    Unreachable(Reason),
    Ended,
    SignedOut,
}

/// The state after `event`; `None` when the event says nothing in this state and is dropped.
pub(crate) fn next(state: State, event: Event) -> Option<(State, Reason)> {
    use State::{Active, Expired, Offline, Restoring, SignedOut, SigningIn};
    match (state, event) {
        (SignedOut | Expired, Event::SignInStarted) => Some((SigningIn, Reason::SignInStarted)),
        (SigningIn, Event::SignInFailed(before)) => Some((before, Reason::SignInFailed)),
        (_, Event::SignedIn) => Some((Active, Reason::SignedIn)),
        (Restoring, Event::Renewed) => Some((Active, Reason::Restored)),
        (Active | Offline, Event::Renewed) => Some((Active, Reason::Refreshed)),
        (Restoring | Active | Offline, Event::Unreachable(reason)) => Some((Offline, reason)),
        (Restoring | Active | Offline, Event::Ended) => Some((Expired, Reason::Ended)),
        (SignedOut, Event::SignedOut) => None,
        (_, Event::SignedOut) => Some((SignedOut, Reason::SignedOut)),
        _ => None,
    }
}

/// What everybody may know of a session. Holds no token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Where the session stands.
    pub state: State,
    /// Why it stands there.
    pub reason: Reason,
    /// Whose session it is, or was until it ended.
    pub user: Option<User>,
    /// When the session ends if nothing prolongs it, in milliseconds since 1970; `None` when the server did not say.
    pub expires_at_ms: Option<u64>,
    /// While offline: when the server is asked again, in milliseconds since 1970.
    pub retry_at_ms: Option<u64>,
    /// Grows with every change.
    pub revision: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Active, Expired, Locked, Offline, Restoring, SignedOut, SigningIn};

    const STATES: [State; 7] = [
        SignedOut, Restoring, SigningIn, Active, Offline, Expired, Locked,
    ];

    #[test]
    fn trouble_with_the_server_never_ends_a_session() {
        for state in STATES {
            for reason in [Reason::Network, Reason::Server, Reason::RateLimited] {
                let after = next(state, Event::Unreachable(reason)).map(|(state, _)| state);
                assert!(
                    matches!(after, None | Some(Offline)),
                    "{state:?}: {after:?}"
                );
            }
        }
    }

    #[test]
    fn a_late_answer_never_brings_a_session_back() {
        for state in [SignedOut, SigningIn, Expired, Locked] {
            assert_eq!(next(state, Event::Renewed), None, "{state:?}");
            assert_eq!(next(state, Event::Ended), None, "{state:?}");
        }
    }

    #[test]
    fn sign_in_and_sign_out_always_take_effect() {
        for state in STATES {
            assert_eq!(
                next(state, Event::SignedIn),
                Some((Active, Reason::SignedIn))
            );
            let out = next(state, Event::SignedOut).map_or(state, |(state, _)| state);
            assert_eq!(out, SignedOut);
        }
    }

    #[test]
    fn a_failed_sign_in_goes_back() {
        for before in [SignedOut, Expired] {
            assert_eq!(
                next(before, Event::SignInStarted).map(|(state, _)| state),
                Some(SigningIn)
            );
            assert_eq!(
                next(SigningIn, Event::SignInFailed(before)).map(|(state, _)| state),
                Some(before)
            );
        }
        // Signing in beside a running session does not disturb it until it succeeds.
        assert_eq!(next(Active, Event::SignInStarted), None);
    }
}
