//! Better Auth: the bearer plugin's signed token, kept alive by `get-session`.
//!
//! | file | what it holds |
//! |---|---|
//! | [`answers`] | what the server answers, and what that means here |
//! | [`passwords`] | signing in with a password, and up |
//! | [`second_factor`], [`trusted_devices`], [`cookies`] | TOTP, codes by mail, backup codes, and when none is asked for |
//! | [`browser`] | signing in in the system's browser, by the official Electron plugin |
//! | [`device`], [`email_code`] | signing in on another device, and by a code in a mail |
//! | [`sessions`] | the person's sessions |
//! | [`client_routes`] | the official client in a page |
//!
//! Facts these files rest on, seen on Better Auth 1.7.5:
//! - The token to keep is the `set-auth-token` field, the signed form (`key.signature`, base64, not percent-encoded); the
//!   body's `token` is only half of it, and nothing where the bearer plugin has `requireSignature`.
//! - `GET /get-session` answers 200 with `null` when the session is over, and slides its expiry when it is not. With
//!   `deferSessionRefresh` it only says `needsRefresh`, and a POST slides.
//! - Every POST needs a JSON body: without one, `/sign-out` is refused and the session lives on. With one it succeeds,
//!   whatever the token.
//! - Any cookie makes the server demand a trusted `Origin` (403 `MISSING_OR_NULL_ORIGIN`, `INVALID_ORIGIN`), so none is
//!   sent but those of a second factor. `Sec-Fetch-*` fields make a sign-in demand it too.
//! - A sign-in that wants a second factor answers 200 `{twoFactorRedirect, twoFactorMethods}`, sets the cookie `two_factor`
//!   (600 s) and, for `rememberMe: false`, `dont_remember`. It carries a `set-auth-token` field too: of a session that is
//!   deleted already.
//! - `POST /two-factor/verify-*` takes the cookie once. Wrong codes: 401 `INVALID_CODE`, `INVALID_BACKUP_CODE`; 400
//!   `OTP_HAS_EXPIRED`. After five, 400 `TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE`, for TOTP and backup codes the end of the
//!   sign-in. After ten in a row, 429 `ACCOUNT_TEMPORARILY_LOCKED` as JSON; the rate limit's 429 is `text/plain`.
//! - `trustDevice` sets `trust_device` (30 days). It is sent with a password sign-in, which then asks for no second factor
//!   and sets the next one; each serves once. One that does not serve is taken away with `Max-Age=0`.
//! - Where a person was signed in, enabling, verifying and disabling the second factor and `change-password` with
//!   `revokeOtherSessions` delete the session and make another. After TOTP enrolment the body holds the deleted token, the
//!   field the new one.
//! - The Electron plugin's page ends at `scheme://auth/callback#token=…`, base64url of `{identifier, state}`. `POST
//!   /electron/token` takes the identifier once, right or wrong: 404 `INVALID_TOKEN`, 400 `STATE_MISMATCH`,
//!   `INVALID_CODE_VERIFIER`.
//! - `POST /device/token` takes JSON only, answers OAuth's errors (400 `authorization_pending`, `slow_down`,
//!   `expired_token`, `access_denied`, `invalid_grant`), and gives the unsigned token in the body and no field.
//! - `GET /list-sessions` wants a fresh session (403 `SESSION_NOT_FRESH`); `POST /revoke-session` takes the unsigned token.
#![forbid(unsafe_code)]

mod answers;
mod browser;
mod client_routes;
mod cookies;
mod device;
mod email_code;
mod passwords;
mod second_factor;
mod sessions;
mod trusted_devices;

use super::handles::Handles;
use super::{
    Answer, Context, Credentials, Grant, Observation, Provider, RemoteSession, Renewal, Sent,
    SignIn, SignUp, Step, Switch, User, check_no_switch, check_served,
};
use crate::http::{Method, Origin, Request, Response, Url, parse_url};
use crate::oauth::Callback;
use crate::secret::SecretString;
use crate::{Error, Result};
use answers::{read_session, token_header};
use async_trait::async_trait;
use client_routes::PageSignIn;
use reqwest::header::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// How long a sign-in waits to learn when its session ends. It has succeeded already.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);
/// A session's key is 32 characters; something much shorter is not one, and would be found everywhere.
const SHORTEST_KEY: usize = 16;
/// What the Electron plugin calls the application by default.
const DEFAULT_CLIENT_ID: &str = "electron";

/// Which server, and who we are there.
#[derive(Debug, Clone, Default)]
pub struct BetterAuthOptions {
    /// The URL of its auth routes, such as `https://api.example.com/api/auth`.
    pub base_url: String,
    /// The page that signs people in in the browser. Needed for that, except with a [`BrowserSignIn::connection`].
    ///
    /// [`BrowserSignIn::connection`]: super::BrowserSignIn::connection
    pub sign_in_url: Option<String>,
    /// Where the page comes back to, such as `com.example.app:/auth/callback`. Needed to sign in in the browser.
    pub redirect_uri: Option<String>,
    /// The `clientID` of the server's Electron plugin. Default `electron`.
    pub electron_client_id: Option<String>,
    /// The client identifier of the device flow. Default: as `electron_client_id`.
    pub device_client_id: Option<String>,
    /// The `Origin` that goes with cookies, one of the server's `trustedOrigins`. Default: the scheme of `redirect_uri`, such
    /// as `com.example.app:/`; without one, the server's own origin.
    pub origin: Option<String>,
}

/// A Better Auth server with the bearer plugin.
#[derive(Debug)]
pub struct BetterAuth {
    base_url: Url,
    sign_in_url: Option<Url>,
    redirect_uri: Option<String>,
    electron_client_id: String,
    device_client_id: String,
    origin: HeaderValue,
    handles: Handles,
    page_sign_in: PageSignIn,
}

/// What a sign-in that waits for the person needs for its next step.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Attempt {
    SecondFactor(second_factor::SecondFactor),
    Browser(browser::BrowserAttempt),
    Device(device::DeviceAttempt),
    EmailCode(email_code::EmailCode),
}

impl Attempt {
    fn seal(&self) -> Result<SecretString> {
        serde_json::to_string(self)
            .map(SecretString::new)
            .map_err(|_| Error::Internal("a sign-in that is not JSON"))
    }

    /// One of a version that knew other steps can only be begun anew.
    fn unseal(state: &SecretString) -> Result<Self> {
        serde_json::from_str(state.expose()).map_err(|_| Error::SignInExpired)
    }
}

impl BetterAuth {
    /// A server by the URL of its auth routes, such as `https://api.example.com/api/auth`.
    ///
    /// # Errors
    /// As for [`BetterAuth::with`].
    pub fn new(base_url: &str) -> Result<Self> {
        Self::with(BetterAuthOptions {
            base_url: base_url.to_owned(),
            ..BetterAuthOptions::default()
        })
    }

    /// A server.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for URLs of anything but https, or http on loopback; for a redirect address that no
    /// application can have; for an origin that no header can carry.
    pub fn with(options: BetterAuthOptions) -> Result<Self> {
        let mut base_url = parse_url(&options.base_url)?;
        let server = Origin::of(&base_url)?;
        base_url.set_query(None);
        base_url.set_fragment(None);
        let path = base_url.path().trim_end_matches('/').to_owned();
        base_url.set_path(&path);
        let sign_in_url = options.sign_in_url.as_deref().map(parse_url).transpose()?;
        if let Some(url) = &sign_in_url {
            Origin::of(url)?;
        }
        let redirect_uri = options.redirect_uri;
        let scheme = redirect_uri.as_deref().map(own_scheme).transpose()?;
        let origin = options
            .origin
            .or_else(|| scheme.map(|scheme| format!("{scheme}:/")))
            .unwrap_or_else(|| server.to_string());
        let client_id = options
            .electron_client_id
            .unwrap_or_else(|| DEFAULT_CLIENT_ID.to_owned());
        Ok(Self {
            base_url,
            sign_in_url,
            redirect_uri,
            device_client_id: options
                .device_client_id
                .unwrap_or_else(|| client_id.clone()),
            electron_client_id: client_id,
            origin: HeaderValue::from_str(&origin).map_err(|_| {
                Error::InvalidArgument("provider.origin must be an origin.".to_owned())
            })?,
            handles: Handles::default(),
            page_sign_in: PageSignIn::default(),
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

    /// Asks `get-session` for what the answer to a sign-in leaves out: when the session ends.
    async fn confirm(&self, cx: &Context<'_>, grant: Grant) -> Result<Grant> {
        self.page_sign_in.forget();
        let confirming = self.renew_session(cx, &grant.credentials);
        match tokio::time::timeout(CONFIRM_TIMEOUT, confirming).await {
            Ok(Ok(Renewal::Renewed(confirmed))) => Ok(confirmed),
            // When the session ends is learnt from the next answer.
            _ => Ok(grant),
        }
    }

    async fn renew_session(&self, cx: &Context<'_>, credentials: &Credentials) -> Result<Renewal> {
        let (answer, needs_refresh) = self.get_session(cx, credentials, Method::GET).await?;
        if !needs_refresh {
            return Ok(answer);
        }
        match self.get_session(cx, credentials, Method::POST).await {
            Ok((slid, _)) => Ok(slid),
            // The session goes on all the same, and is prolonged the next time.
            Err(_) => Ok(answer),
        }
    }

    /// Asks whether a session goes on, and, by whether it has to be asked for, whether it is due to be prolonged.
    async fn get_session(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        method: Method,
    ) -> Result<(Renewal, bool)> {
        let mut url = self.route("/get-session");
        if !credentials.sliding {
            prevent_sliding(&mut url);
        }
        let mut request = Request::new(method.clone(), url);
        if method == Method::POST {
            request.json(&json!({}));
        }
        request.authorize(credentials.access_token.expose())?;
        let response = cx.http.send(request).await?;
        check_served(&response)?;
        if !response.status.is_success() {
            return Err(Error::UnexpectedResponse("get-session refused the request"));
        }
        let token = token_header(&response)
            .unwrap_or_else(|| SecretString::new(credentials.access_token.expose().to_owned()));
        Ok(match read_session(&response)? {
            None => (Renewal::Over, false),
            Some(session) => {
                let needs_refresh = session.needs_refresh;
                let grant = session.into_grant(token, credentials.sliding, &response, cx.now_ms);
                (Renewal::Renewed(grant), needs_refresh)
            }
        })
    }
}

/// Has `get-session` not prolong. A bearer client that asks plainly would prolong even a session that was not to be
/// remembered.
fn prevent_sliding(url: &mut Url) {
    url.query_pairs_mut().append_pair("disableRefresh", "true");
}

/// The application's own scheme in a redirect address.
fn own_scheme(redirect_uri: &str) -> Result<String> {
    let invalid = || {
        Error::InvalidArgument(
            "provider.redirectUri must be an address of the application's own scheme, such as com.example.app:/auth/callback."
                .to_owned(),
        )
    };
    let callback = Callback::parse(redirect_uri).map_err(|_| invalid())?;
    match callback.address().scheme() {
        "http" | "https" => Err(invalid()),
        scheme => Ok(scheme.to_owned()),
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

    fn redirect_uri(&self) -> Option<&str> {
        self.redirect_uri.as_deref()
    }

    async fn sign_in(&self, cx: &Context<'_>, how: SignIn) -> Result<Step> {
        match how {
            SignIn::Password {
                identifier,
                password,
                remember_me,
            } => {
                self.sign_in_with_password(cx, identifier, password, remember_me)
                    .await
            }
            SignIn::Browser(asked) => self.begin_in_browser(cx, &asked),
            SignIn::Device { scope } => self.begin_on_device(cx, scope).await,
            SignIn::Code { identifier } => self.begin_with_code(cx, identifier).await,
            SignIn::StepUp { .. } => Err(Error::NotSupported(
                "a step-up; sign in again, which makes a fresh session in the place of this one",
            )),
            SignIn::Tokens { .. } | SignIn::Custom => {
                Err(Error::NotSupported("tokens from elsewhere"))
            }
        }
    }

    async fn sign_up(&self, cx: &Context<'_>, account: SignUp) -> Result<Step> {
        self.make_account(cx, account).await
    }

    async fn proceed(
        &self,
        cx: &Context<'_>,
        state: &SecretString,
        answer: Answer,
    ) -> Result<Step> {
        match (Attempt::unseal(state)?, answer) {
            (Attempt::SecondFactor(attempt), answer) => {
                self.proceed_with_second_factor(cx, attempt, answer).await
            }
            (Attempt::EmailCode(attempt), answer) => {
                self.proceed_with_email_code(cx, attempt, answer).await
            }
            (Attempt::Browser(attempt), Answer::Callback(callback)) => {
                self.finish_in_browser(cx, &attempt, &callback).await
            }
            (Attempt::Device(attempt), Answer::Poll) => self.poll_device(cx, attempt).await,
            _ => Err(Error::NotSupported("this step of a sign-in")),
        }
    }

    fn callback_state(&self, callback: &Callback) -> Option<String> {
        browser::state_of(callback)
    }

    fn is_callback_at(&self, callback: &Callback, redirect_uri: &str) -> bool {
        browser::is_at(callback, redirect_uri)
    }

    async fn renew(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        _user: &User,
        switch: Option<&Switch>,
    ) -> Result<Renewal> {
        check_no_switch(switch)?;
        self.renew_session(cx, credentials).await
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

    async fn sessions(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
    ) -> Result<Vec<RemoteSession>> {
        self.list_sessions(cx, credentials).await
    }

    async fn end_session(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        id: &str,
    ) -> Result<()> {
        self.revoke_session(cx, credentials, id).await
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

    fn may_replace(&self, method: &Method, url: &Url) -> bool {
        self.may_replace_token(method, self.path_of(url))
    }

    async fn adapt(&self, cx: &Context<'_>, request: &mut Request) -> Result<Sent> {
        self.adapt_request(cx, request).await
    }

    async fn observe(
        &self,
        cx: &Context<'_>,
        request: &Sent,
        response: &mut Response,
    ) -> Observation {
        self.observe_answer(cx, request, response).await
    }
}
