//! Any OAuth 2 / OIDC server, with a public client (RFC 8252).
//!
//! | file | what it holds |
//! |---|---|
//! | [`discovery`] | what the server says of itself |
//! | [`browser`], [`device`] | the two ways to sign in |
//! | [`exchange`] | requests with their proofs, and what the answers grant |
//! | [`private`] | what is kept beside the tokens, and between two steps |
#![forbid(unsafe_code)]

mod browser;
mod device;
mod discovery;
mod exchange;
mod private;

use super::token_answer::claims_of;
use super::{
    Answer, Context, Credentials, Grant, Provider, Renewal, SignIn, Spending, Step, Switch, User,
    adopt_tokens, check_no_switch, renew_without_refresh_token,
};
use crate::http::{HeaderMap, HttpClient, Method, Origin, StatusCode, Url, parse_url};
use crate::oauth::{Callback, DpopKey, Jwks, Nonces};
use crate::secret::SecretString;
use crate::{Error, Result};
use async_trait::async_trait;
use browser::asks_for;
use discovery::Metadata;
use exchange::{error_code, rejected};
use private::{Begun, Private, restore_key};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

/// What is asked for unless the application says otherwise: who the person is, and a refresh token.
const DEFAULT_SCOPE: &str = "openid profile email offline_access";

/// How long a renewal waits for the server's keys.
const KEYS_TIMEOUT: Duration = Duration::from_secs(5);

/// Which server, and who we are there.
#[derive(Debug, Clone, Default)]
pub struct OidcOptions {
    /// The issuer's URL. Its discovery document lies under `/.well-known/openid-configuration` below it, or that of RFC 8414.
    pub issuer: String,
    /// The client's identifier. A native application has no secret.
    pub client_id: String,
    /// Where the browser comes back to: an address of a private scheme, of https, or `http://127.0.0.1/path`, where the port
    /// is chosen anew each time. Default: a port of this machine, path `/callback`.
    pub redirect_uri: Option<String>,
    /// The scopes. Default `openid profile email offline_access`. Without `openid` no ID token is asked for or needed.
    pub scope: Option<String>,
    /// What the person is asked again. Default `consent` where `offline_access` is asked for, without which servers grant no
    /// refresh token (OpenID Connect Core 1.0 section 11); empty: nothing.
    pub prompt: Option<String>,
    /// The API that the access token is for, as some servers want it.
    pub audience: Option<String>,
    /// Whether tokens are bound to a key of this device (RFC 9449). Default false.
    pub dpop: bool,
    /// Whether the server takes a refresh token again when its answer was lost. Default false.
    pub refresh_token_reuse: bool,
}

/// An OAuth 2 / OIDC server.
#[derive(Debug)]
pub struct Oidc {
    issuer: Url,
    /// As it was given: discovery compares it byte by byte.
    issuer_name: String,
    client_id: String,
    redirect_uri: Option<String>,
    scope: String,
    prompt: Option<String>,
    audience: Option<String>,
    dpop: bool,
    refresh_token_reuse: bool,
    metadata: OnceCell<Metadata>,
    keys: Jwks,
    nonces: Nonces,
    /// How far the server's clock is ahead of ours, in milliseconds; behind it, wrapped around.
    ahead_ms: AtomicU64,
    /// The key used last: reading one anew takes longer than signing with it.
    last_key: Mutex<Option<(Zeroizing<String>, Arc<DpopKey>)>>,
}

impl Oidc {
    /// # Errors
    /// `ERR_INSECURE_URL` for an issuer of http elsewhere than on loopback; `ERR_INVALID_ARGUMENT` for any other that is not
    /// https, for an empty client identifier, and for a redirect URI that no browser could come back to.
    pub fn new(options: OidcOptions) -> Result<Self> {
        let issuer = parse_url(&options.issuer)?;
        Origin::of(&issuer)?;
        if options.client_id.is_empty() {
            return Err(Error::InvalidArgument(
                "provider.clientId must not be empty.".to_owned(),
            ));
        }
        let has_fragment = |uri: &String| uri.contains('#');
        if let Some(redirect_uri) = &options.redirect_uri
            && (Callback::parse(redirect_uri).is_err() || has_fragment(redirect_uri))
        {
            return Err(Error::InvalidArgument(
                "provider.redirectUri must be an address such as 'com.example.app:/callback' or 'http://127.0.0.1/callback'."
                    .to_owned(),
            ));
        }
        Ok(Self {
            issuer,
            issuer_name: options.issuer,
            client_id: options.client_id,
            redirect_uri: options.redirect_uri,
            scope: options.scope.unwrap_or_else(|| DEFAULT_SCOPE.to_owned()),
            prompt: options.prompt,
            audience: options.audience,
            dpop: options.dpop,
            refresh_token_reuse: options.refresh_token_reuse,
            metadata: OnceCell::new(),
            keys: Jwks::default(),
            nonces: Nonces::default(),
            ahead_ms: AtomicU64::new(0),
            last_key: Mutex::new(None),
        })
    }

    /// What the server says of itself, asked for once.
    async fn metadata(&self, http: &HttpClient) -> Result<&Metadata> {
        let discovering = self
            .metadata
            .get_or_try_init(|| Metadata::discover(http, &self.issuer, &self.issuer_name));
        discovering
            .await
            .map_err(|error| not_begun(error, "no discovery document"))
    }

    /// Gets the server's keys at hand before something is spent that they will be needed for.
    async fn load_keys(&self, http: &HttpClient) -> Result<()> {
        let Some(url) = &self.metadata(http).await?.keys else {
            return Ok(());
        };
        let loading = self.keys.load(http, url).await;
        loading.map_err(|error| not_begun(error, "no keys"))
    }

    /// A key for a new session, where its tokens are to be bound.
    fn new_key(&self) -> Result<Option<DpopKey>> {
        self.dpop.then(DpopKey::generate).transpose()
    }

    /// The key that these are bound to.
    fn key_of(&self, credentials: &Credentials) -> Result<Option<Arc<DpopKey>>> {
        let Some(stored) = Private::of(credentials).dpop_key else {
            return Ok(None);
        };
        let mut last = self.last_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, key)) = &*last
            && *known == stored
        {
            return Ok(Some(Arc::clone(key)));
        }
        let restored = restore_key(Some(&stored))?.map(Arc::new);
        *last = restored.clone().map(|key| (stored, key));
        Ok(restored)
    }
}

/// Nothing of the question at hand was sent yet, whatever became of the one before it.
fn not_begun(error: Error, what: &'static str) -> Error {
    match error {
        Error::Network { reason, .. } => Error::Network {
            reason,
            sent: false,
        },
        Error::Timeout { timeout_ms, .. } => Error::Timeout {
            timeout_ms,
            sent: false,
        },
        Error::Server { .. } | Error::UnexpectedResponse(_) => Error::Network {
            reason: what,
            sent: false,
        },
        other => other,
    }
}

#[async_trait]
impl Provider for Oidc {
    fn identity(&self) -> String {
        format!("oidc {} {}", self.issuer, self.client_id)
    }

    fn base_url(&self) -> &Url {
        &self.issuer
    }

    fn redirect_uri(&self) -> Option<&str> {
        self.redirect_uri.as_deref()
    }

    async fn sign_in(&self, cx: &Context<'_>, how: SignIn) -> Result<Step> {
        match how {
            SignIn::Browser(how) => self.begin_in_browser(cx, how).await,
            SignIn::Device { scope } => self.begin_on_device(cx, scope.as_deref()).await,
            SignIn::Tokens { .. } => {
                let (credentials, user) = adopt_tokens(how, cx.now_ms)?;
                let user = match user {
                    Some(user) => user,
                    None => self.userinfo(cx, &credentials, None).await?,
                };
                Ok(Step::Complete(Grant { credentials, user }))
            }
            _ => Err(Error::NotSupported("this method of signing in")),
        }
    }

    async fn proceed(
        &self,
        cx: &Context<'_>,
        state: &SecretString,
        answer: Answer,
    ) -> Result<Step> {
        match (Begun::open(state)?, answer) {
            (Begun::Browser(begun), Answer::Callback(callback)) => {
                self.finish_in_browser(cx, &begun, &callback).await
            }
            (Begun::Device(begun), Answer::Poll) => self.poll_device(cx, begun).await,
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
        check_no_switch(switch)?;
        let Some(refresh_token) = &credentials.refresh_token else {
            return Ok(renew_without_refresh_token(credentials, user, cx.now_ms));
        };
        let url = &self.metadata(cx.http).await?.token;
        let key = self.key_of(credentials)?;
        if asks_for(&self.scope, "openid") {
            // Before anything is spent. A renewal does without them.
            let _ = tokio::time::timeout(KEYS_TIMEOUT, self.load_keys(cx.http)).await;
        }
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose()),
        ];
        let response = self.post(cx, url, &fields, key.as_deref()).await?;
        if response.status.is_success() {
            let renewed = self.renewed(cx, &response, credentials, key.as_deref(), user);
            return Ok(Renewal::Renewed(renewed.await?));
        }
        match error_code(&response)?.as_str() {
            "invalid_grant" => Ok(Renewal::Over),
            _ => Err(rejected(&response)?),
        }
    }

    fn spending(&self, credentials: &Credentials) -> Spending {
        Spending::of_refresh_token(credentials, self.refresh_token_reuse)
    }

    /// RFC 7009: revoking the refresh token ends the grant.
    async fn revoke(&self, cx: &Context<'_>, credentials: &Credentials) -> Result<()> {
        let Some(url) = &self.metadata(cx.http).await?.revocation else {
            return Ok(());
        };
        let (token, hint) = match &credentials.refresh_token {
            Some(token) => (token, "refresh_token"),
            None => (&credentials.access_token, "access_token"),
        };
        let fields = [("token", token.expose()), ("token_type_hint", hint)];
        self.post(cx, url, &fields, None).await.map(|_| ())
    }

    /// OpenID Connect RP-Initiated Logout 1.0 section 2.
    async fn sign_out_url(
        &self,
        cx: &Context<'_>,
        credentials: &Credentials,
        return_to: Option<&str>,
    ) -> Result<Option<Url>> {
        let Some(url) = &self.metadata(cx.http).await?.end_session else {
            return Ok(None);
        };
        let mut url = url.clone();
        let mut query = url.query_pairs_mut();
        query.append_pair("client_id", &self.client_id);
        if let Some(token) = &Private::of(credentials).id_token {
            query.append_pair("id_token_hint", token);
        }
        if let Some(return_to) = return_to {
            query.append_pair("post_logout_redirect_uri", return_to);
        }
        drop(query);
        Ok(Some(url))
    }

    fn authorize(
        &self,
        method: &Method,
        url: &Url,
        headers: &mut HeaderMap,
        credentials: &Credentials,
        now_ms: u64,
    ) -> Result<()> {
        let token = credentials.access_token.expose();
        match self.key_of(credentials)? {
            Some(key) => self.prove(headers, &key, method, url, Some(token), now_ms),
            None => crate::http::authorize(headers, token),
        }
    }

    fn learn(&self, url: &Url, status: StatusCode, headers: &HeaderMap) -> bool {
        self.nonces.learn(url, status, headers, &[])
    }

    /// What the ID token says, which is the one that is meant for a client to read; without one, what the access token says.
    fn claims(&self, credentials: &Credentials) -> Option<serde_json::Value> {
        match Private::of(credentials).id_token {
            Some(token) => claims_of(&token),
            None => claims_of(credentials.access_token.expose()),
        }
    }
}
