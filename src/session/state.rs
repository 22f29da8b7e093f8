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
    /// Another process of the application signed in, renewed or signed out.
    Elsewhere,
    /// The server could not be reached.
    Network,
    /// The server failed.
    Server,
    /// The server asks to slow down.
    RateLimited,
    /// Another process of the application is renewing, and does not come to an end.
    Busy,
    /// The server renewed the session, and the vault could not store it yet.
    NotStored,
    /// A refresh token that serves once was sent, and no answer came: it may be spent. It is not sent again by itself.
    Unanswered,
    /// The server wants the person to prove again who they are. It is not asked again by itself.
    Challenge,
    /// The server said that the session is over.
    Ended,
    /// The session reached the longest lifetime that the application allows.
    Lifetime,
    /// Somebody signed out.
    SignedOut,
    /// The application locked the session.
    Locked,
    /// Nobody used the session for as long as the application allows.
    Idle,
    /// The session was unlocked.
    Unlocked,
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
            Self::Elsewhere => "elsewhere",
            Self::Network => "network",
            Self::Server => "server",
            Self::RateLimited => "rateLimited",
            Self::Busy => "busy",
            Self::NotStored => "notStored",
            Self::Unanswered => "unanswered",
            Self::Challenge => "challenge",
            Self::Ended => "ended",
            Self::Lifetime => "lifetime",
            Self::SignedOut => "signedOut",
            Self::Locked => "locked",
            Self::Idle => "idle",
            Self::Unlocked => "unlocked",
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
    /// Another process stored a session that is newer than ours.
    Adopted,
    /// The session stands, but could not be renewed.
    Trouble(Reason),
    Ended(Reason),
    SignedOut(Reason),
    Locked(Reason),
    Unlocked,
}

/// Where a session stands, and whether it is locked there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Standing {
    /// Where it stands, were it not locked. Never [`State::Locked`].
    pub(crate) state: State,
    pub(crate) locked: bool,
}

impl Standing {
    pub(crate) fn at(state: State) -> Self {
        Self {
            state,
            locked: false,
        }
    }

    /// What everybody sees.
    pub(crate) fn shown(self) -> State {
        if self.locked {
            State::Locked
        } else {
            self.state
        }
    }
}

/// Where a session stands after `event`, and why; `None` when the event says nothing there and is dropped.
///
/// A renewal goes on under the lock, so that a rotated token is not lost; nobody is told of it before the unlock.
pub(crate) fn next(standing: Standing, event: Event) -> Option<(Standing, Reason)> {
    use State::{Active, Expired, Offline, Restoring, SignedOut, SigningIn};
    let Standing { state, locked } = standing;
    let (state, locked, reason) = match (state, event) {
        (SignedOut | Expired, Event::SignInStarted) => (SigningIn, false, Reason::SignInStarted),
        (SigningIn, Event::SignInFailed(before)) => (before, false, Reason::SignInFailed),
        (_, Event::SignedIn) => (Active, false, Reason::SignedIn),
        (Restoring, Event::Renewed) => (Active, locked, Reason::Restored),
        (Active | Offline, Event::Renewed) => (Active, locked, Reason::Refreshed),
        (_, Event::Adopted) => (Active, locked, Reason::Elsewhere),
        (Restoring | Active | Offline, Event::Trouble(reason)) => (Offline, locked, reason),
        (Restoring | Active | Offline, Event::Ended(reason)) => (Expired, false, reason),
        (SignedOut, Event::SignedOut(_)) => return None,
        (_, Event::SignedOut(reason)) => (SignedOut, false, reason),
        (Restoring | Active | Offline, Event::Locked(reason)) if !locked => (state, true, reason),
        (_, Event::Unlocked) if locked => (state, false, Reason::Unlocked),
        _ => return None,
    };
    Some((Standing { state, locked }, reason))
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
    /// When the token at hand ends if nothing prolongs it, in milliseconds since 1970; `None` when there is none, or the server did
    /// not say. A token that is itself the session, as Better Auth's, ends with it.
    pub expires_at_ms: Option<u64>,
    /// While offline: when the server is asked again, in milliseconds since 1970; `None` when it is not asked by itself.
    pub retry_at_ms: Option<u64>,
    /// So many sessions were left here and live on at the server, which could not be reached to hear of it. It hears when it can.
    pub revocations_owed: usize,
    /// Grows with every change.
    pub revision: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Active, Expired, Locked, Offline, Restoring, SignedOut, SigningIn};
    use proptest::prelude::*;

    const UNLOCKED: [State; 6] = [SignedOut, Restoring, SigningIn, Active, Offline, Expired];
    /// The states that hold tokens. Only these can be locked.
    const WITH_TOKENS: [State; 3] = [Restoring, Active, Offline];

    fn standings() -> impl Iterator<Item = Standing> {
        let locked = WITH_TOKENS.map(|state| Standing {
            state,
            locked: true,
        });
        UNLOCKED.map(Standing::at).into_iter().chain(locked)
    }

    fn after(standing: Standing, event: Event) -> Standing {
        next(standing, event).map_or(standing, |(standing, _)| standing)
    }

    #[test]
    fn trouble_never_ends_a_session() {
        for standing in standings() {
            for reason in [Reason::Network, Reason::Server, Reason::Unanswered] {
                let after = after(standing, Event::Trouble(reason));
                assert!(
                    after == standing || after.state == Offline,
                    "{standing:?}: {after:?}"
                );
                assert_eq!(after.locked, standing.locked);
            }
        }
    }

    #[test]
    fn a_late_answer_never_brings_a_session_back() {
        for state in [SignedOut, SigningIn, Expired] {
            let standing = Standing::at(state);
            assert_eq!(next(standing, Event::Renewed), None, "{state:?}");
            assert_eq!(
                next(standing, Event::Ended(Reason::Ended)),
                None,
                "{state:?}"
            );
        }
    }

    #[test]
    fn sign_in_and_sign_out_always_take_effect() {
        for standing in standings() {
            assert_eq!(after(standing, Event::SignedIn), Standing::at(Active));
            let out = after(standing, Event::SignedOut(Reason::SignedOut));
            assert_eq!(out, Standing::at(SignedOut));
        }
    }

    #[test]
    fn a_failed_sign_in_goes_back() {
        for before in [SignedOut, Expired] {
            let signing_in = after(Standing::at(before), Event::SignInStarted);
            assert_eq!(signing_in.state, SigningIn);
            let back = after(signing_in, Event::SignInFailed(before));
            assert_eq!(back, Standing::at(before));
        }
        // Signing in beside a running session does not disturb it until it succeeds.
        assert_eq!(next(Standing::at(Active), Event::SignInStarted), None);
    }

    #[test]
    fn a_locked_session_shows_nothing_else_until_it_is_unlocked_or_over() {
        for state in WITH_TOKENS {
            let locked = after(Standing::at(state), Event::Locked(Reason::Locked));
            assert_eq!((locked.shown(), locked.state), (Locked, state));
            assert_eq!(after(locked, Event::Renewed).shown(), Locked);
            assert_eq!(after(locked, Event::Adopted).shown(), Locked);
            assert_eq!(after(locked, Event::Unlocked), Standing::at(state));
            let over = after(locked, Event::Ended(Reason::Ended));
            assert_eq!(over, Standing::at(Expired));
        }
        for state in [SignedOut, SigningIn, Expired] {
            assert_eq!(next(Standing::at(state), Event::Locked(Reason::Idle)), None);
        }
    }

    fn events() -> impl Strategy<Value = Event> {
        prop_oneof![
            Just(Event::SignInStarted),
            Just(Event::SignInFailed(SignedOut)),
            Just(Event::SignInFailed(Expired)),
            Just(Event::SignedIn),
            Just(Event::Renewed),
            Just(Event::Adopted),
            Just(Event::Trouble(Reason::Network)),
            Just(Event::Trouble(Reason::Unanswered)),
            Just(Event::Ended(Reason::Ended)),
            Just(Event::SignedOut(Reason::SignedOut)),
            Just(Event::Locked(Reason::Idle)),
            Just(Event::Unlocked),
        ]
    }

    proptest! {
        /// Tokens go by the provider's or the person's word alone, come by a grant alone, and a lock is opened by an
        /// unlock, a sign-in, or the end of what it locked.
        #[test]
        fn tokens_come_and_go_only_by_a_word(events in prop::collection::vec(events(), 0..64)) {
            let mut standing = Standing::at(SignedOut);
            let has_tokens = |standing: Standing| WITH_TOKENS.contains(&standing.state);
            for event in events {
                let before = standing;
                standing = after(before, event);
                let lost = has_tokens(before) && !has_tokens(standing);
                let gained = !has_tokens(before) && has_tokens(standing);
                prop_assert!(!lost || matches!(event, Event::Ended(_) | Event::SignedOut(_)));
                prop_assert!(!gained || matches!(event, Event::SignedIn | Event::Adopted));
                prop_assert!(!standing.locked || has_tokens(standing));
                let opened = before.locked && !standing.locked;
                let may_open = matches!(
                    event,
                    Event::Unlocked | Event::SignedIn | Event::Ended(_) | Event::SignedOut(_)
                );
                prop_assert!(!opened || may_open);
            }
        }
    }
}
