//! Better Auth: the bearer plugin's signed token, kept alive by `get-session`.
//!
//! Facts this file rests on, seen on Better Auth 1.7.5:
//! - The token to keep is the `set-auth-token` field, the signed form; the body's `token` is only half of it.
//! - `GET /get-session` answers 200 with `null` when the session is over, and slides its expiry when it is not.
//! - Every POST needs a JSON body: without one, `/sign-out` is refused and the session lives on.
//! - Any cookie makes the server demand an `Origin`, so none is ever sent.
#![forbid(unsafe_code)]

use super::handles::Handles;
use super::{
    Context, Credentials, Grant, Identifier, Observation, Provider, Renewal, Sent, SignIn, SignUp,
    Step, Switch, User, check_no_switch, check_served, safe_reason,
};
use crate::http::{Method, Origin, Request, Response, Url, parse_url};
use crate::secret::SecretString;
use crate::{Error, Result};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The field that carries the signed token.
const TOKEN_HEADER: &str = "set-auth-token";
/// Fields of an answer that carry a token, or half of one, in any form.
const TOKEN_HEADERS: [&str; 4] = [TOKEN_HEADER, "set-auth-jwt", "set-cookie", "authorization"];

/// Asks `get-session` without prolonging. A bearer client that asks plainly would prolong even a session that was not to be
/// remembered.
const NO_SLIDING: (&str, &str) = ("disableRefresh", "true");
/// How long a sign-in waits to learn when its session ends. It has succeeded already.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);
/// A session's key is 32 characters; something much shorter is not one, and would be found everywhere.
const SHORTEST_KEY: usize = 16;

/// A Better Auth server with the bearer plugin.
#[derive(Debug)]
pub struct BetterAuth {
    base_url: Url,
    handles: Handles,
}

impl BetterAuth {
    /// A server by the URL of its auth routes, such as `https://api.example.com/api/auth`.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for anything but https, or http on loopback.
    pub fn new(base_url: &str) -> Result<Self> {
        let mut base_url = parse_url(base_url)?;
        Origin::of(&base_url)?;
        base_url.set_query(None);
        base_url.set_fragment(None);
        let path = base_url.path().trim_end_matches('/').to_owned();
        base_url.set_path(&path);
        Ok(Self {
            base_url,
            handles: Handles::default(),
        })
    }

    fn route(&self, path: &str) -> Url {
        let mut url = self.base_url.clone();
        url.set_path(&format!(
            "{}{path}",
            self.base_url.path().trim_end_matches('/')
        ));
        url
    }

    /// The path below the base URL.
    fn path_of<'a>(&self, url: &'a Url) -> &'a str {
        let path = url.path();
        path.strip_prefix(self.base_url.path().trim_end_matches('/'))
            .unwrap_or(path)
    }

    fn post(&self, path: &str, body: &Value) -> Request {
        let mut request = Request::new(Method::POST, self.route(path));
        request.json(body);
        request
    }

    /// Sends a sign-in or sign-up, and asks `get-session` for what its answer leaves out: when the session ends.
    async fn grant(&self, cx: &Context<'_>, request: Request, sliding: bool) -> Result<Grant> {
        let response = cx.http.send(request).await?;
        let grant = read_grant(&response, sliding, cx.now_ms)?;
        let confirming = self.renew(cx, &grant.credentials, &grant.user, None);
        match tokio::time::timeout(CONFIRM_TIMEOUT, confirming).await {
            Ok(Ok(Renewal::Renewed(confirmed))) => Ok(confirmed),
            // When the session ends is learnt from the next answer.
            _ => Ok(grant),
        }
    }
}

#[async_trait]
impl Provider for BetterAuth {
    fn identity(&self) -> String {
        format!("better-auth {}", self.base_url)
    }

    fn base_url(&self) -> &Url {
        &self.base_url
    }

    async fn sign_in(&self, cx: &Context<'_>, how: SignIn) -> Result<Step> {
        let SignIn::Password {
            identifier: Identifier::Email(email),
            password,
            remember_me,
        } = how
        else {
            return Err(Error::NotSupported("this method of signing in"));
        };
        let body =
            json!({ "email": email, "password": password.expose(), "rememberMe": remember_me });
        self.grant(cx, self.post("/sign-in/email", &body), remember_me)
            .await
            .map(Step::Complete)
    }

    async fn sign_up(&self, cx: &Context<'_>, account: SignUp) -> Result<Step> {
        let SignUp {
            email,
            password,
            name,
            ..
        } = account;
        let body = json!({ "email": email, "password": password.expose(), "name": name });
        self.grant(cx, self.post("/sign-up/email", &body), true)
            .await
            .map(Step::Complete)
    }

    async fn renew(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        _user: &User,
        switch: Option<&Switch>,
    ) -> Result<Renewal> {
        check_no_switch(switch)?;
        let mut url = self.route("/get-session");
        if !credentials.sliding {
            url.query_pairs_mut()
                .append_pair(NO_SLIDING.0, NO_SLIDING.1);
        }
        let mut request = Request::new(Method::GET, url);
        request.authorize(credentials.access_token.expose())?;
        let response = cx.http.send(request).await?;
        check_served(&response)?;
        if !response.status.is_success() {
            return Err(Error::UnexpectedResponse("get-session refused the request"));
        }
        let token = token_header(&response)
            .unwrap_or_else(|| SecretString::new(credentials.access_token.expose().to_owned()));
        match read_session(&response)? {
            None => Ok(Renewal::Over),
            Some(session) => Ok(Renewal::Renewed(session.into_grant(
                token,
                credentials.sliding,
                &response,
                cx.now_ms,
            ))),
        }
    }

    async fn revoke(&self, cx: &Context<'_>, credentials: &Credentials) -> Result<()> {
        let mut request = self.post("/sign-out", &json!({}));
        request.authorize(credentials.access_token.expose())?;
        let response = cx.http.send(request).await?;
        check_served(&response)?;
        if response.status.is_success() {
            return Ok(());
        }
        Err(Error::UnexpectedResponse("sign-out refused the request"))
    }

    fn owns(&self, url: &Url) -> bool {
        let base = &self.base_url;
        let within = url
            .path()
            .strip_prefix(base.path().trim_end_matches('/'))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        url.origin() == base.origin() && within
    }

    /// The signed token and the part before its signature, which is the session's key in the server's database.
    fn fragments<'a>(&self, token: &'a str) -> Vec<&'a str> {
        match token.split_once('.') {
            Some((key, _)) if key.len() >= SHORTEST_KEY => vec![token, key],
            _ => vec![token],
        }
    }

    fn adapt(&self, request: &mut Request, current: Option<&Credentials>) -> Sent {
        let mut body = request.body.as_deref().and_then(parse_json);
        if let Some(value) = &mut body
            && self.handles.restore(value)
        {
            request.body = Some(value.to_string().into_bytes());
        }
        let is_get_session = self.path_of(&request.url) == "/get-session";
        if is_get_session && current.is_some_and(|current| !current.sliding) {
            request
                .url
                .query_pairs_mut()
                .append_pair(NO_SLIDING.0, NO_SLIDING.1);
        }
        Sent {
            method: request.method.clone(),
            url: request.url.clone(),
            sliding: body.is_none_or(|body| body["rememberMe"] != Value::Bool(false)),
        }
    }

    fn observe(&self, request: &Sent, response: &mut Response, now_ms: u64) -> Observation {
        let observation = self.read_answer(request, response, now_ms);
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
}

impl BetterAuth {
    fn read_answer(&self, request: &Sent, response: &Response, now_ms: u64) -> Observation {
        if !response.status.is_success() {
            return Observation::Nothing;
        }
        match (request.method.as_str(), self.path_of(&request.url)) {
            ("POST", "/sign-out") => Observation::SignedOut,
            ("GET", "/get-session") => match (read_session(response), token_header(response)) {
                (Ok(None), _) => Observation::Gone,
                (Ok(Some(session)), token) => {
                    // Without the field the token stays the one that was sent, which the session still has.
                    let token = token.unwrap_or_default();
                    Observation::Confirmed(session.into_grant(token, true, response, now_ms))
                }
                (Err(_), _) => Observation::Nothing,
            },
            ("POST", route) if route.starts_with("/sign-in/") || route.starts_with("/sign-up/") => {
                match read_grant(response, request.sliding, now_ms) {
                    Ok(grant) => Observation::SignedIn(grant),
                    Err(_) => Observation::Nothing,
                }
            }
            _ => token_header(response).map_or(Observation::Nothing, Observation::TokenReplaced),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserAnswer {
    id: String,
    email: Option<String>,
    name: Option<String>,
    image: Option<String>,
    email_verified: Option<bool>,
}

impl From<UserAnswer> for User {
    fn from(user: UserAnswer) -> Self {
        Self {
            id: user.id,
            email: user.email,
            name: user.name,
            image: user.image,
            email_verified: user.email_verified,
        }
    }
}

#[derive(Deserialize)]
struct SessionAnswer {
    session: SessionFields,
    user: UserAnswer,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SessionFields {
    expires_at: String,
}

impl SessionAnswer {
    fn into_grant(
        self,
        token: SecretString,
        sliding: bool,
        response: &Response,
        now_ms: u64,
    ) -> Grant {
        let expires_at_ms = self.session.expires_at_ms().map(|ends_ms| {
            // The end is told by the server's clock; what counts here is how long that is from now.
            now_ms.saturating_add(ends_ms.saturating_sub(response.server_now_ms(now_ms)))
        });
        Grant {
            credentials: Credentials {
                access_token: token,
                refresh_token: None,
                expires_at_ms,
                confirmed_at_ms: now_ms,
                sliding,
                private: None,
            },
            user: self.user.into(),
        }
    }
}

impl SessionFields {
    /// `expiresAt` is ISO 8601 in UTC, as `Date.prototype.toISOString` writes it.
    fn expires_at_ms(&self) -> Option<u64> {
        let at: jiff::Timestamp = self.expires_at.parse().ok()?;
        u64::try_from(at.as_millisecond()).ok()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignInAnswer {
    token: Option<String>,
    user: Option<UserAnswer>,
    #[serde(default)]
    two_factor_redirect: bool,
}

#[derive(Deserialize)]
struct ErrorAnswer {
    code: Option<String>,
}

/// Reads the answer to a sign-in or sign-up.
fn read_grant(response: &Response, sliding: bool, now_ms: u64) -> Result<Grant> {
    check_served(response)?;
    if !response.status.is_success() {
        return Err(read_refusal(response));
    }
    let unexpected = || Error::UnexpectedResponse("a sign-in without a session");
    let answer: SignInAnswer = serde_json::from_slice(&response.body).map_err(|_| unexpected())?;
    if answer.two_factor_redirect {
        return Err(Error::SecondFactorRequired);
    }
    let user = answer.user.ok_or_else(unexpected)?;
    if answer.token.is_none() {
        // An account was made, but it may sign in only once its address is verified.
        return Err(Error::EmailNotVerified);
    }
    let access_token = token_header(response).ok_or(Error::UnexpectedResponse(
        "no set-auth-token field: add the bearer plugin to the server",
    ))?;
    Ok(Grant {
        credentials: Credentials {
            access_token,
            refresh_token: None,
            expires_at_ms: None,
            confirmed_at_ms: now_ms,
            sliding,
            private: None,
        },
        user: user.into(),
    })
}

fn read_refusal(response: &Response) -> Error {
    let Ok(answer) = serde_json::from_slice::<ErrorAnswer>(&response.body) else {
        return Error::UnexpectedResponse("a refusal that is not JSON");
    };
    let code = answer.code.as_deref();
    match code {
        Some("INVALID_EMAIL_OR_PASSWORD") => Error::InvalidCredentials,
        Some("EMAIL_NOT_VERIFIED") => Error::EmailNotVerified,
        Some("PASSWORD_TOO_SHORT") => Error::WeakPassword("it is too short"),
        Some("PASSWORD_TOO_LONG") => Error::WeakPassword("it is too long"),
        Some("PASSWORD_COMPROMISED") => Error::WeakPassword("it is on a list of leaked passwords"),
        Some(code) if code.starts_with("USER_ALREADY_EXISTS") => Error::UserExists,
        _ => Error::SignInRejected {
            status: response.status.as_u16(),
            reason: safe_reason(code),
        },
    }
}

/// Reads the answer of `get-session`: `None` is the server's word that there is no session.
fn read_session(response: &Response) -> Result<Option<SessionAnswer>> {
    let unexpected = || Error::UnexpectedResponse("get-session answered no session and no null");
    serde_json::from_slice(&response.body).map_err(|_| unexpected())
}

fn token_header(response: &Response) -> Option<SecretString> {
    let token = response.header(TOKEN_HEADER)?;
    (!token.is_empty()).then(|| SecretString::new(token.to_owned()))
}

fn parse_json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}
