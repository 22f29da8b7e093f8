//! Where a request goes next when the answer is a redirect (RFC 9110 section 15.4, WHATWG fetch "HTTP-redirect fetch").
#![forbid(unsafe_code)]

use super::{Call, Origin, Payload, Url};
use crate::{Error, Result};
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LOCATION, CONTENT_TYPE, LOCATION,
};
use reqwest::{Method, StatusCode};

/// Redirects that are followed, as browsers' limits go, rounded down.
const MAX_REDIRECTS: usize = 10;

/// What to do about a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redirects {
    /// Follow it within the origin; one to another origin is `ERR_ORIGIN_NOT_ALLOWED`, and nothing is sent there.
    #[default]
    Follow,
    /// It is the answer.
    Return,
    /// It is `ERR_NETWORK`.
    Refuse,
}

/// A redirect to follow.
#[derive(Debug)]
pub(super) struct Next {
    url: Url,
    status: StatusCode,
}

/// The redirect that `received`, asked for at `url`, is and that may be followed; `None` when it is the answer.
pub(super) fn next(
    redirects: Redirects,
    url: &Url,
    received: &reqwest::Response,
) -> Result<Option<Next>> {
    let status = received.status();
    let is_redirect = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = received
        .headers()
        .get(LOCATION)
        .and_then(|location| std::str::from_utf8(location.as_bytes()).ok())
        .and_then(|location| url.join(location).ok());
    let Some(mut target) = location.filter(|_| is_redirect) else {
        return Ok(None);
    };
    match redirects {
        Redirects::Follow => {}
        Redirects::Return => return Ok(None),
        Redirects::Refuse => return Err(broken("it redirects, which this request excludes")),
    }
    if Origin::of(&target).ok() != Origin::of(url).ok() {
        let target = target.origin().ascii_serialization();
        return Err(Error::OriginNotAllowed(target));
    }
    if target.fragment().is_none() {
        target.set_fragment(url.fragment());
    }
    Ok(Some(Next {
        url: target,
        status,
    }))
}

impl Next {
    /// The call to make after `followed` redirects, this one included. `sent` is the one before, unless its body was a stream.
    pub(super) fn apply(self, sent: Option<Call>, followed: usize) -> Result<Call> {
        if followed > MAX_REDIRECTS {
            return Err(Error::OriginNotAllowed("a redirect loop".to_owned()));
        }
        let Some(mut call) = sent else {
            return Err(broken("it redirects, and a stream cannot be sent again"));
        };
        let becomes_get = match self.status.as_u16() {
            301 | 302 => call.method == Method::POST,
            303 => call.method != Method::GET && call.method != Method::HEAD,
            _ => false,
        };
        if becomes_get {
            call.method = Method::GET;
            call.payload = Payload::Empty;
            for name in [
                CONTENT_ENCODING,
                CONTENT_LANGUAGE,
                CONTENT_LOCATION,
                CONTENT_TYPE,
            ] {
                call.headers.remove(name);
            }
        }
        call.url = self.url;
        Ok(call)
    }
}

fn broken(reason: &'static str) -> Error {
    Error::Network { reason, sent: true }
}
