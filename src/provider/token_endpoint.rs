//! A server with a rotating refresh endpoint of its own, as the usual recipe builds it: JSON in, JSON out.
//!
//! `POST refreshUrl {refreshToken}` answers `{accessToken, refreshToken?, expiresIn?, user?}` and invalidates the token it
//! was sent. 401 and 403 say that the session is over.
#![forbid(unsafe_code)]

use super::token_answer::TokenAnswer;
use super::{
    Context, Credentials, Grant, Identifier, Provider, Renewal, SignIn, Spending, Step, Switch,
    User, adopt_tokens, check_no_switch, check_served, renew_without_refresh_token, safe_reason,
};
use crate::http::{Method, Origin, Request, Response, Url, parse_url};
use crate::{Error, Result};
use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

/// Where the server's routes are. All on one origin.
#[derive(Debug, Clone, Default)]
pub struct TokenEndpointOptions {
    /// Renews: `POST {refreshToken}`.
    pub refresh_url: String,
    /// Signs in: `POST {email, password}`. `None`: only tokens the application has already are taken.
    pub sign_in_url: Option<String>,
    /// Signs out: `POST {refreshToken}` with the access token. `None`: the server is not told.
    pub sign_out_url: Option<String>,
    /// Whether the server takes a refresh token again when its answer was lost. Default false.
    pub refresh_token_reuse: bool,
}

/// A server with a token endpoint of its own.
#[derive(Debug)]
pub struct TokenEndpoint {
    refresh_url: Url,
    sign_in_url: Option<Url>,
    sign_out_url: Option<Url>,
    refresh_token_reuse: bool,
}

impl TokenEndpoint {
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` for anything but https, or http on loopback, and for routes on several origins.
    pub fn new(options: &TokenEndpointOptions) -> Result<Self> {
        let refresh_url = parse_url(&options.refresh_url)?;
        let origin = Origin::of(&refresh_url)?;
        let on_origin = |url: &Option<String>| {
            let url = url.as_deref().map(parse_url).transpose()?;
            match &url {
                Some(other) if Origin::of(other)? != origin => Err(Error::InvalidArgument(
                    "The routes of a token endpoint must be on one origin.".to_owned(),
                )),
                _ => Ok(url),
            }
        };
        Ok(Self {
            sign_in_url: on_origin(&options.sign_in_url)?,
            sign_out_url: on_origin(&options.sign_out_url)?,
            refresh_url,
            refresh_token_reuse: options.refresh_token_reuse,
        })
    }
}

#[async_trait]
impl Provider for TokenEndpoint {
    fn identity(&self) -> String {
        format!("token-endpoint {}", self.refresh_url)
    }

    fn base_url(&self) -> &Url {
        &self.refresh_url
    }

    async fn sign_in(&self, cx: &Context<'_>, how: SignIn) -> Result<Step> {
        let (email, password) = match how {
            SignIn::Password {
                identifier: Identifier::Email(email),
                password,
                ..
            } => (email, password),
            tokens @ SignIn::Tokens { .. } => {
                let (credentials, user) = adopt_tokens(tokens, cx.now_ms)?;
                let user = user.ok_or_else(|| {
                    Error::InvalidArgument(
                        "user is missing: this provider cannot tell whose tokens these are."
                            .to_owned(),
                    )
                })?;
                return Ok(Step::Complete(Grant { credentials, user }));
            }
            _ => return Err(Error::NotSupported("this method of signing in")),
        };
        let url = self.sign_in_url.as_ref().ok_or_else(|| {
            Error::InvalidArgument(
                "provider.signInUrl is missing: without it only method 'tokens' signs in."
                    .to_owned(),
            )
        })?;
        let body = json!({ "email": email, "password": password.expose() });
        let response = cx.http.send(post(url, &body)).await?;
        check_served(&response)?;
        if !response.status.is_success() {
            return Err(refusal(&response));
        }
        let mut answer = TokenAnswer::parse(&response.body)?;
        let user = answer.user.take();
        Ok(Step::Complete(Grant {
            user: user
                .ok_or(Error::UnexpectedResponse("no user in the answer"))?
                .into(),
            credentials: answer.into_credentials(None, cx.now_ms),
        }))
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
        let body = json!({ "refreshToken": refresh_token.expose() });
        let response = cx.http.send(post(&self.refresh_url, &body)).await?;
        check_served(&response)?;
        match response.status.as_u16() {
            200..=299 => {
                let mut answer = TokenAnswer::parse(&response.body)?;
                let said = answer.user.take().map(User::from);
                Ok(Renewal::Renewed(Grant {
                    credentials: answer.into_credentials(Some(credentials), cx.now_ms),
                    user: said.unwrap_or_else(|| user.clone()),
                }))
            }
            401 | 403 => Ok(Renewal::Over),
            _ => Err(refusal(&response)),
        }
    }

    fn spending(&self, credentials: &Credentials) -> Spending {
        Spending::of_refresh_token(credentials, self.refresh_token_reuse)
    }

    async fn revoke(&self, cx: &Context<'_>, credentials: &Credentials) -> Result<()> {
        let Some(url) = &self.sign_out_url else {
            return Ok(());
        };
        let refresh_token = credentials.refresh_token.as_ref();
        let body = json!({ "refreshToken": refresh_token.map(|token| token.expose()) });
        let mut request = post(url, &body);
        request.authorize(credentials.access_token.expose())?;
        let response = cx.http.send(request).await?;
        check_served(&response)
    }
}

fn post(url: &Url, body: &Value) -> Request {
    let mut request = Request::new(Method::POST, url.clone());
    request.json(body);
    request
}

fn refusal(response: &Response) -> Error {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(alias = "error")]
        code: Option<String>,
    }
    match response.status.as_u16() {
        401 => Error::InvalidCredentials,
        status => {
            let refusal = serde_json::from_slice::<Refusal>(&response.body).ok();
            Error::SignInRejected {
                status,
                reason: safe_reason(refusal.and_then(|refusal| refusal.code).as_deref()),
            }
        }
    }
}
