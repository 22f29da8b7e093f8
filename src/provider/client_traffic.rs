//! What passes between the application's own client of a provider and its server.
#![forbid(unsafe_code)]

use super::context::Exclusive;
use super::session::Grant;
use super::sign_in::Identifier;
use crate::http::{Method, Request, Url};
use crate::secret::SecretString;

/// What an answer that the application's own client got from the provider says about the session.
#[derive(Debug)]
pub enum Observation {
    /// Nothing.
    Nothing,
    /// Somebody signed in.
    SignedIn(Grant),
    /// The token was replaced by another for the same session.
    TokenReplaced(SecretString),
    /// The session was confirmed.
    Confirmed(Grant),
    /// The server knows no session.
    Gone,
    /// The session was ended on purpose.
    SignedOut,
}

/// What of a request an observer needs.
#[derive(Debug)]
pub struct Sent {
    /// The method.
    pub method: Method,
    /// The URL it was sent to.
    pub url: Url,
    /// For a sign-in: whether the session may be prolonged by being used.
    pub sliding: bool,
    /// For a sign-in: the name that was typed.
    pub identifier: Option<Identifier>,
    /// Whether it goes out without the session at hand, which the server would take it for.
    pub anonymous: bool,
    /// What is held until its answer was observed.
    pub held: Option<Exclusive>,
}

impl Sent {
    /// What a request says by itself.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        Self {
            method: request.method.clone(),
            url: request.url.clone(),
            sliding: true,
            identifier: None,
            anonymous: false,
            held: None,
        }
    }
}
