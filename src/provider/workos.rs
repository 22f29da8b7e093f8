//! WorkOS AuthKit as a public client: the hosted page in the browser or on another device, and no secret in the application.
//!
//! Facts this file rests on, from the vendor's OpenAPI description (`@workos/openapi-spec` 0.1.0), its changelog, and the
//! requests of its official client, `@workos/authkit-electron` 0.1.2:
//! - `POST /user_management/authenticate` takes JSON and knows three grants without a secret: a code, a refresh token, a device
//!   code. A refresh token serves once.
//! - No answer says how long an access token lives; the token does.
//! - A refresh without `organization_id` is for the organization of the last one (since July 2025). There is no way back to
//!   none.
//! - What was refused is said as `{code,message}`, as `{error,error_description}`, or by a `message` alone.
//! - `GET /user_management/sessions/logout` ends the session that it names, without any credentials.
//!
//! Nothing checks the access token's signature here: it comes straight from the server over TLS, and is for the servers that
//! it is sent to to check (OpenID Connect Core 1.0 section 3.1.3.7, item 6, of the like).
#![forbid(unsafe_code)]

mod answer;
mod authorize;
mod device;
mod refusal;
mod sign_in;

use super::{
    Answer, Context, Credentials, Grant, Provider, Renewal, SignIn, Spending, Step, Switch, User,
    adopt_tokens, check_served, renew_without_refresh_token, token_answer,
};
use crate::http::{Call, Method, Origin, Redirects, Request, Url, parse_url};
use crate::oauth::Callback;
use crate::secret::SecretString;
use crate::{Error, Result};
use answer::Authenticated;
use async_trait::async_trait;
use refusal::Refusal;
use serde::Deserialize;
use serde_json::{Value, json};
use sign_in::State;
use zeroize::Zeroizing;

/// The vendor's own server.
const API_URL: &str = "https://api.workos.com";

/// Which environment of WorkOS, and where the browser comes back to.
#[derive(Debug, Clone, Default)]
pub struct WorkOsOptions {
    /// The client's identifier, `client_…`. A native application has no secret.
    pub client_id: String,
    /// Where the browser comes back to. `None`: to a port of this machine.
    pub redirect_uri: Option<String>,
    /// The server. `None`: `https://api.workos.com`. Another one for an authentication domain of one's own.
    pub api_url: Option<String>,
}

/// A WorkOS environment.
#[derive(Debug)]
pub struct WorkOs {
    api_url: Url,
    client_id: String,
    redirect_uri: Option<String>,
}

impl WorkOs {
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for an empty client identifier, a server that is neither https nor http on loopback, and a
    /// redirect address that no application can be reached at.
    pub fn new(options: WorkOsOptions) -> Result<Self> {
        if options.client_id.is_empty() {
            return Err(Error::InvalidArgument(
                "provider.clientId must not be empty.".to_owned(),
            ));
        }
        let mut api_url = parse_url(options.api_url.as_deref().unwrap_or(API_URL))?;
        Origin::of(&api_url)?;
        api_url.set_query(None);
        api_url.set_fragment(None);
        if let Some(redirect_uri) = &options.redirect_uri {
            Callback::parse(redirect_uri).map_err(|_| {
                Error::InvalidArgument(
                    "provider.redirectUri must be an address of the application, such as 'com.example.app://callback'."
                        .to_owned(),
                )
            })?;
        }
        Ok(Self {
            api_url,
            client_id: options.client_id,
            redirect_uri: options.redirect_uri,
        })
    }

    fn route(&self, path: &str) -> Url {
        let mut url = self.api_url.clone();
        let base = self.api_url.path().trim_end_matches('/');
        url.set_path(&format!("{base}/user_management/{path}"));
        url
    }

    fn post(&self, path: &str, body: &Value) -> Request {
        let mut request = Request::new(Method::POST, self.route(path));
        request.json(body);
        request
    }

    /// Shows the server a code or token of the grant `grant_type`.
    async fn authenticate(
        &self,
        cx: &Context<'_>,
        grant_type: &str,
        shown: &[(&str, &str)],
    ) -> Result<std::result::Result<Authenticated, Refusal>> {
        let mut body = json!({ "client_id": self.client_id, "grant_type": grant_type });
        for (name, value) in shown {
            body[name] = Value::from(*value);
        }
        let response = cx.http.send(self.post("authenticate", &body)).await?;
        check_served(&response)?;
        if response.status.is_success() {
            return Authenticated::parse(&response.body).map(Ok);
        }
        Refusal::parse(&response).map(Err)
    }
}

#[async_trait]
impl Provider for WorkOs {
    fn identity(&self) -> String {
        format!("workos {} {}", self.api_url, self.client_id)
    }

    fn base_url(&self) -> &Url {
        &self.api_url
    }

    fn redirect_uri(&self) -> Option<&str> {
        self.redirect_uri.as_deref()
    }

    async fn sign_in(&self, cx: &Context<'_>, how: SignIn) -> Result<Step> {
        match how {
            SignIn::Browser(how) => self.begin_in_browser(cx, how),
            SignIn::Device { .. } => self.begin_on_device(cx).await,
            tokens @ SignIn::Tokens { .. } => {
                let (credentials, user) = adopt_tokens(tokens, cx.now_ms)?;
                let user = match user {
                    Some(user) => user,
                    None => answer::subject_of(&credentials)?,
                };
                Ok(Step::Complete(Grant { credentials, user }))
            }
            // A public client has no other grant: passwords and codes are for the hosted page.
            _ => Err(Error::NotSupported("this method of signing in")),
        }
    }

    async fn proceed(
        &self,
        cx: &Context<'_>,
        state: &SecretString,
        answer: Answer,
    ) -> Result<Step> {
        match (State::open(state)?, answer) {
            (State::Browser(authorization), Answer::Callback(callback)) => {
                self.take_callback(cx, &authorization, &callback).await
            }
            (State::Device(device), Answer::Poll) => self.poll(cx, device).await,
            _ => Err(Error::NotSupported("this step of a sign-in")),
        }
    }

    async fn renew(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        user: &User,
        switch: Option<&Switch>,
    ) -> Result<Renewal> {
        let organization = match switch {
            None => None,
            Some(Switch { organization: None }) => {
                return Err(Error::NotSupported("leaving an organization for none"));
            }
            Some(Switch { organization }) => organization.as_deref(),
        };
        let Some(refresh_token) = &credentials.refresh_token else {
            return match organization {
                None => Ok(renew_without_refresh_token(credentials, user, cx.now_ms)),
                Some(_) => Err(Error::NotSupported(
                    "organizations in a session without a refresh token",
                )),
            };
        };
        let mut shown = vec![("refresh_token", refresh_token.expose())];
        shown.extend(organization.map(|organization| ("organization_id", organization)));
        match self.authenticate(cx, "refresh_token", &shown).await? {
            Ok(answer) => answer
                .into_renewed(credentials, user, cx.now_ms)
                .map(Renewal::Renewed),
            Err(refusal) if refusal.is_over() => Ok(Renewal::Over),
            Err(refusal) => Err(refusal.of_renewal(organization.is_some())),
        }
    }

    fn spending(&self, credentials: &Credentials) -> Spending {
        Spending::of_refresh_token(credentials, false)
    }

    /// The same address that the browser opens at a sign-out: it wants no credentials, so it serves here too, later as well if
    /// there is no network now.
    async fn revoke(&self, cx: &Context<'_>, credentials: &Credentials) -> Result<()> {
        let Some(url) = self.logout_url(credentials, None) else {
            return Ok(());
        };
        let mut call = Call::from(Request::new(Method::GET, url));
        // It leads on to a page for the browser.
        call.redirects = Redirects::Return;
        let response = cx.http.send_whole(call).await?;
        check_served(&response)
    }

    async fn sign_out_url(
        &self,
        _: &Context<'_>,
        credentials: &Credentials,
        return_to: Option<&str>,
    ) -> Result<Option<Url>> {
        Ok(self.logout_url(credentials, return_to))
    }

    fn claims(&self, credentials: &Credentials) -> Option<Value> {
        answer::claims(credentials)
    }
}

impl WorkOs {
    /// `None` when the access token does not name its session.
    fn logout_url(&self, credentials: &Credentials, return_to: Option<&str>) -> Option<Url> {
        let session_id = answer::session_id(credentials)?;
        let mut url = self.route("sessions/logout");
        url.query_pairs_mut()
            .append_pair("session_id", &session_id)
            .extend_pairs(return_to.map(|return_to| ("return_to", return_to)));
        Some(url)
    }
}

/// The claims of a token that are looked at here.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    sid: Option<String>,
    org_id: Option<String>,
}

impl Claims {
    fn of(credentials: &Credentials) -> Option<Self> {
        token_answer::claims_of(credentials.access_token.expose())
    }
}

type Secret = Zeroizing<String>;
