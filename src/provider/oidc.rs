//! Any OAuth 2 / OIDC server: a public client (RFC 8252) that renews with a refresh token.
#![forbid(unsafe_code)]

use super::token_answer::{Claims, TokenAnswer};
use super::{
    Context, Credentials, Grant, Provider, Renewal, SignIn, Spending, Step, Switch, User,
    adopt_tokens, check_no_switch, check_served, renew_without_refresh_token, safe_reason,
};
use crate::http::{HttpClient, Method, Origin, Request, Response, Url, parse_url};
use crate::{Error, Result};
use async_trait::async_trait;
use serde::Deserialize;
use tokio::sync::OnceCell;

/// Which server, and who we are there.
#[derive(Debug, Clone, Default)]
pub struct OidcOptions {
    /// The issuer's URL. Its discovery document lies under `/.well-known/openid-configuration` below it.
    pub issuer: String,
    /// The client's identifier. A native application has no secret.
    pub client_id: String,
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
    refresh_token_reuse: bool,
    endpoints: OnceCell<Endpoints>,
}

/// What the discovery document says (OpenID Connect Discovery 1.0 section 3).
#[derive(Debug)]
struct Endpoints {
    token: Url,
    revocation: Option<Url>,
    userinfo: Option<Url>,
}

impl Oidc {
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for an issuer that is neither https nor http on loopback, and an empty client identifier.
    pub fn new(options: OidcOptions) -> Result<Self> {
        let issuer = parse_url(&options.issuer)?;
        Origin::of(&issuer)?;
        if options.client_id.is_empty() {
            return Err(Error::InvalidArgument(
                "provider.clientId must not be empty.".to_owned(),
            ));
        }
        Ok(Self {
            issuer,
            issuer_name: options.issuer,
            client_id: options.client_id,
            refresh_token_reuse: options.refresh_token_reuse,
            endpoints: OnceCell::new(),
        })
    }

    /// The server's endpoints, asked for once.
    async fn endpoints(&self, http: &HttpClient) -> Result<&Endpoints> {
        let discovering = self.endpoints.get_or_try_init(|| self.discover(http));
        // Nothing of the question at hand was sent yet, whatever became of this one.
        discovering.await.map_err(|error| match error {
            Error::Network { reason, .. } => Error::Network {
                reason,
                sent: false,
            },
            Error::Timeout { timeout_ms, .. } => Error::Timeout {
                timeout_ms,
                sent: false,
            },
            Error::Server { .. } | Error::UnexpectedResponse(_) => Error::Network {
                reason: "no discovery document",
                sent: false,
            },
            other => other,
        })
    }

    async fn discover(&self, http: &HttpClient) -> Result<Endpoints> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            token_endpoint: String,
            revocation_endpoint: Option<String>,
            userinfo_endpoint: Option<String>,
        }
        let mut url = self.issuer.clone();
        url.set_path(&format!(
            "{}/.well-known/openid-configuration",
            self.issuer.path().trim_end_matches('/')
        ));
        let response = http.send(Request::new(Method::GET, url)).await?;
        check_served(&response)?;
        let unexpected = Error::UnexpectedResponse("no discovery document");
        let document: Document =
            serde_json::from_slice(&response.body).map_err(|_| unexpected.clone())?;
        if document.issuer.trim_end_matches('/') != self.issuer_name.trim_end_matches('/') {
            return Err(unexpected);
        }
        let endpoint = |url: &str| -> Result<Url> {
            let url = parse_url(url).map_err(|_| unexpected.clone())?;
            Origin::of(&url).map_err(|_| unexpected.clone())?;
            Ok(url)
        };
        let optional = |url: Option<String>| url.as_deref().map(endpoint).transpose();
        Ok(Endpoints {
            token: endpoint(&document.token_endpoint)?,
            revocation: optional(document.revocation_endpoint)?,
            userinfo: optional(document.userinfo_endpoint)?,
        })
    }

    /// Who the access token speaks for (OpenID Connect Core 1.0 section 5.3).
    async fn userinfo(&self, http: &HttpClient, credentials: &Credentials) -> Result<User> {
        let Some(url) = &self.endpoints(http).await?.userinfo else {
            return Err(Error::InvalidArgument(
                "user is missing, and the server has no userinfo endpoint to ask.".to_owned(),
            ));
        };
        let mut request = Request::new(Method::GET, url.clone());
        request.authorize(credentials.access_token.expose())?;
        let response = http.send(request).await?;
        check_served(&response)?;
        if response.status == 401 {
            return Err(Error::InvalidCredentials);
        }
        serde_json::from_slice::<Claims>(&response.body)
            .map(User::from)
            .map_err(|_| Error::UnexpectedResponse("userinfo is not a list of claims"))
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

    async fn sign_in(&self, cx: &Context<'_>, how: SignIn) -> Result<Step> {
        if !matches!(how, SignIn::Tokens { .. }) {
            return Err(Error::NotSupported("this method of signing in"));
        }
        let (credentials, user) = adopt_tokens(how, cx.now_ms)?;
        let user = match user {
            Some(user) => user,
            None => self.userinfo(cx.http, &credentials).await?,
        };
        Ok(Step::Complete(Grant { credentials, user }))
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
        let url = &self.endpoints(cx.http).await?.token;
        let request = form(
            url,
            &[
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh_token.expose()),
                ("client_id", &self.client_id),
            ],
        );
        let response = cx.http.send(request).await?;
        check_served(&response)?;
        if response.status.is_success() {
            let answer = TokenAnswer::parse(&response.body)?;
            let said = answer.id_claims().map(User::from);
            return Ok(Renewal::Renewed(Grant {
                credentials: answer.into_credentials(Some(credentials), cx.now_ms),
                // Another subject would be another session (OpenID Connect Core 1.0 section 12.2).
                user: said
                    .filter(|said| said.id == user.id)
                    .map_or_else(|| user.clone(), |said| merge(said, user)),
            }));
        }
        match error_code(&response)?.as_str() {
            "invalid_grant" => Ok(Renewal::Over),
            code => Err(Error::SignInRejected {
                status: response.status.as_u16(),
                reason: safe_reason(Some(&code.to_ascii_uppercase())),
            }),
        }
    }

    fn spending(&self, credentials: &Credentials) -> Spending {
        Spending::of_refresh_token(credentials, self.refresh_token_reuse)
    }

    /// RFC 7009: revoking the refresh token ends the grant.
    async fn revoke(&self, cx: &Context<'_>, credentials: &Credentials) -> Result<()> {
        let Some(url) = &self.endpoints(cx.http).await?.revocation else {
            return Ok(());
        };
        let (token, hint) = match &credentials.refresh_token {
            Some(token) => (token, "refresh_token"),
            None => (&credentials.access_token, "access_token"),
        };
        let request = form(
            url,
            &[
                ("token", token.expose()),
                ("token_type_hint", hint),
                ("client_id", &self.client_id),
            ],
        );
        let response = cx.http.send(request).await?;
        check_served(&response)
    }
}

/// What an ID token leaves out stays as it was known.
fn merge(said: User, known: &User) -> User {
    User {
        id: said.id,
        email: said.email.or_else(|| known.email.clone()),
        name: said.name.or_else(|| known.name.clone()),
        image: said.image.or_else(|| known.image.clone()),
        email_verified: said.email_verified.or(known.email_verified),
    }
}

fn form(url: &Url, fields: &[(&str, &str)]) -> Request {
    let mut request = Request::new(Method::POST, url.clone());
    let mut encoded = url::form_urlencoded::Serializer::new(String::new());
    encoded.extend_pairs(fields);
    request.form(encoded.finish());
    request
}

/// The `error` of an answer that refuses (RFC 6749 section 5.2).
fn error_code(response: &Response) -> Result<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: String,
    }
    serde_json::from_slice::<Refusal>(&response.body)
        .map(|refusal| refusal.error)
        .map_err(|_| Error::UnexpectedResponse("a refusal that is not JSON"))
}
