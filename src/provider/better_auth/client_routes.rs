//! The official client in a page, over `fetch`: its calls are made whole on the way out, and its answers read and cut on the
//! way back. It has no cookies, so those that carry a sign-in to its second factor are kept here for it.

use super::BetterAuth;
use super::answers::{
    Entry, TOKEN_HEADER, new_credentials, read_entry, read_session, read_user, token_header,
};
use super::cookies::{Cookies, TWO_FACTOR};
use super::second_factor::SecondFactor;
use super::trusted_devices::TrustedDevices;
use crate::Result;
use crate::http::{Method, Request, Response};
use crate::provider::{Context, Grant, Identifier, Observation, Renewal, Sent};
use crate::secret::SecretString;
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Fields of an answer that carry a token, or half of one, in any form.
const TOKEN_HEADERS: [&str; 4] = [TOKEN_HEADER, "set-auth-jwt", "set-cookie", "authorization"];

/// Ends the second factor, and with it the trust in devices.
const DISABLE: &str = "/two-factor/disable";

/// The sign-in of the page's client that waits for its second factor. As in a browser there is one at a time, and the last
/// one counts. It is of this process alone.
#[derive(Debug, Default)]
pub(super) struct PageSignIn(Mutex<Option<SecondFactor>>);

impl PageSignIn {
    fn lock(&self) -> MutexGuard<'_, Option<SecondFactor>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    /// Adds what stands for the person to a request about the second factor. Answers whether the session may then be
    /// prolonged; `None` when no sign-in waits.
    fn add_to(&self, server: &BetterAuth, request: &mut Request, now_ms: u64) -> Option<bool> {
        let mut waiting = self.lock();
        if waiting
            .as_ref()
            .is_some_and(|waiting| waiting.expires_at_ms <= now_ms)
        {
            *waiting = None;
        }
        let waiting = waiting.as_ref()?;
        waiting.cookies.add_to(request, &server.origin).ok()?;
        Some(waiting.sliding)
    }
}

impl BetterAuth {
    /// Whether a request of a signed-in person may bring another token for the session: anything that changes something.
    pub(super) fn may_replace_token(&self, method: &Method, path: &str) -> bool {
        let begins_or_ends = is_entry(path) || matches!(path, "/sign-out" | "/get-session");
        *method == Method::POST && !begins_or_ends
    }

    pub(super) async fn adapt_request(
        &self,
        cx: &Context<'_>,
        request: &mut Request,
    ) -> Result<Sent> {
        let mut body = request.body.as_deref().and_then(parse_json);
        if let Some(value) = &mut body
            && self.handles.restore(value)
        {
            request.body = Some(value.to_string().into_bytes());
        }
        let path = self.path_of(&request.url).to_owned();
        let current = cx.current.as_ref().map(|current| current.credentials);
        if path == "/get-session" && current.is_some_and(|current| !current.sliding) {
            super::prevent_sliding(&mut request.url);
        }
        let body = body.unwrap_or_default();
        let mut sent = Sent::of(request);
        sent.sliding = body["rememberMe"] != Value::Bool(false);
        sent.identifier = identifier_in(&path, &body);
        if let Some(identifier) = &sent.identifier {
            let (devices, alone) = TrustedDevices::load_for(cx.keep, identifier).await?;
            if let Some(cookie) = devices.cookie_of(identifier) {
                cookie.add_to(request, &self.origin)?;
            }
            sent.held = alone;
        }
        if path == DISABLE
            && let Some(current) = &cx.current
            && let Some(cookie) = TrustedDevices::load(cx.keep)
                .await?
                .cookie_of_user(&current.user.id)
        {
            // The server forgets the device with it.
            cookie.add_to(request, &self.origin)?;
        }
        if path == "/two-factor/enable" && current.is_some() {
            // What is verified next is this enrolment, and no sign-in that was left.
            self.page_sign_in.forget();
        }
        if is_second_factor(&path)
            && let Some(sliding) = self.page_sign_in.add_to(self, request, cx.now_ms)
        {
            // With a session beside it the server would take the code for that session's.
            sent.anonymous = true;
            sent.sliding = sliding;
        }
        Ok(sent)
    }

    pub(super) async fn observe_answer(
        &self,
        cx: &Context<'_>,
        request: &Sent,
        response: &mut Response,
    ) -> Observation {
        let observation = self.read_answer(cx, request, response).await;
        for name in TOKEN_HEADERS {
            response.headers.remove(name);
        }
        if let Some(mut value) = parse_json(&response.body) {
            self.handles.cut(&mut value);
            response.body = value.to_string().into_bytes();
            // The body's length has changed; whoever reads it knows its length from itself.
            response.headers.remove("content-length");
        }
        observation
    }

    async fn read_answer(
        &self,
        cx: &Context<'_>,
        request: &Sent,
        response: &Response,
    ) -> Observation {
        let path = self.path_of(&request.url);
        let user = read_user(response);
        if request.identifier.is_some() || request.anonymous {
            let identifier = request.identifier.as_ref();
            TrustedDevices::follow(cx.keep, response, user.as_ref(), identifier).await;
        }
        if request.anonymous && Cookies::removed_by(response, TWO_FACTOR) {
            self.page_sign_in.forget();
        }
        if !response.status.is_success() {
            return Observation::Nothing;
        }
        match (request.method.as_str(), path) {
            ("POST", "/sign-out") => {
                self.page_sign_in.forget();
                return Observation::SignedOut;
            }
            ("POST", DISABLE) => {
                if let Some(current) = &cx.current {
                    TrustedDevices::forget(cx.keep, &current.user.id).await;
                }
            }
            ("GET" | "POST", "/get-session") => return self.read_get_session(cx, response),
            ("POST", "/device/token") => return self.read_device_token(cx, response).await,
            _ => {}
        }
        if is_entry(path) || request.anonymous {
            return match read_entry(response, request.sliding, cx.now_ms) {
                Ok(Entry::Granted(grant)) => {
                    self.page_sign_in.forget();
                    Observation::SignedIn(grant)
                }
                Ok(Entry::SecondFactor { methods, cookies }) => {
                    let waiting =
                        SecondFactor::new(&methods, cookies, request.sliding, cx.now_ms).ok();
                    *self.page_sign_in.lock() = waiting;
                    Observation::Nothing
                }
                Err(_) => Observation::Nothing,
            };
        }
        let Some(token) = token_header(response) else {
            return Observation::Nothing;
        };
        let is_same_person = |id: &str| user.as_ref().is_none_or(|user| user.id == id);
        match &cx.current {
            Some(current) if current.credentials.access_token == token => Observation::Nothing,
            Some(current) if is_same_person(&current.user.id) => Observation::TokenReplaced(token),
            // A link in a mail that was followed, or an administrator who looks through another's eyes.
            _ => user.map_or(Observation::Nothing, |user| {
                Observation::SignedIn(Grant {
                    credentials: new_credentials(token, true, cx.now_ms),
                    user: user.into(),
                })
            }),
        }
    }

    fn read_get_session(&self, cx: &Context<'_>, response: &Response) -> Observation {
        match read_session(response) {
            Ok(None) => Observation::Gone,
            Ok(Some(session)) => {
                // Without the field the token stays the one that was sent, which the session still has.
                let token = token_header(response).unwrap_or_default();
                Observation::Confirmed(session.into_grant(token, true, response, cx.now_ms))
            }
            Err(_) => Observation::Nothing,
        }
    }

    /// The device flow's answer holds a token and not whose it is.
    async fn read_device_token(&self, cx: &Context<'_>, response: &Response) -> Observation {
        let body = parse_json(&response.body).unwrap_or_default();
        let Some(token) = body["access_token"].as_str() else {
            return Observation::Nothing;
        };
        let token = SecretString::new(token.to_owned());
        let credentials = new_credentials(token, true, cx.now_ms);
        match self.renew_session(cx, &credentials).await {
            Ok(Renewal::Renewed(grant)) => Observation::SignedIn(grant),
            _ => Observation::Nothing,
        }
    }
}

/// Whether a route begins a session.
fn is_entry(path: &str) -> bool {
    ["/sign-in/", "/sign-up/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
        || matches!(path, "/electron/token" | "/device/token")
}

/// Whether a route is about the second factor of a sign-in, or of whoever is signed in.
fn is_second_factor(path: &str) -> bool {
    path == "/two-factor/send-otp" || path.starts_with("/two-factor/verify-")
}

/// Who signs in with a password: only then the server asks for a second factor.
fn identifier_in(path: &str, body: &Value) -> Option<Identifier> {
    match path {
        "/sign-in/email" => Some(Identifier::Email(body["email"].as_str()?.to_owned())),
        "/sign-in/username" => Some(Identifier::Username(body["username"].as_str()?.to_owned())),
        _ => None,
    }
}

fn parse_json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}
