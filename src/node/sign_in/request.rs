//! What JavaScript asks of a sign-in, checked to be what its method needs.

use super::super::argument::parse_lifetime;
use crate::Error;
use crate::provider::{self, BrowserSignIn, Identifier, SignIn};
use crate::secret::SecretString;
use napi::bindgen_prelude::{Either, Null};
use napi_derive::napi;

/// How somebody signs in. Which fields there are depends on `method`. What a provider cannot do rejects with
/// `ERR_NOT_SUPPORTED`.
#[napi(object)]
pub struct SignInRequest {
    /// The way of signing in: with a `password`; in the system's `browser`; on another `device`, which shows the server's page;
    /// with a `code` that the server sends; with `tokens` that the application has already; with the token that a `custom`
    /// provider brings; or, for who is signed in, a `stepUp` without the browser.
    #[napi(
        ts_type = "'password' | 'browser' | 'device' | 'code' | 'tokens' | 'custom' | 'stepUp'"
    )]
    pub method: String,
    /// `password`, `code`: the e-mail address.
    pub email: Option<String>,
    /// `password`, `code`: the user name, in the place of the address.
    pub username: Option<String>,
    /// `password`: the password.
    pub password: Option<String>,
    /// `password`: whether using the session prolongs it beyond its first period. Default true.
    pub remember_me: Option<bool>,
    /// `browser`: how the browser comes back: to the provider's `redirectUri` (`app`), or to a port of this machine
    /// (`loopback`). Default `app` where there is a `redirectUri`.
    #[napi(ts_type = "'app' | 'loopback'")]
    pub redirect: Option<String>,
    /// `browser`: the social or enterprise provider to go on to, such as `google`.
    pub connection: Option<String>,
    /// `browser`: the organization to sign in to.
    pub organization_id: Option<String>,
    /// `browser`: the domain whose identity provider is to be used.
    pub domain_hint: Option<String>,
    /// `browser`: who probably signs in.
    pub login_hint: Option<String>,
    /// `browser`: which page to show first, such as `sign-up`.
    pub screen_hint: Option<String>,
    /// `browser`: whether to ask again: `login`, `consent`, `select_account`, `none` (OpenID Connect Core 1.0 section
    /// 3.1.2.1).
    pub prompt: Option<String>,
    /// `browser`: how long ago the person may have signed in, in seconds.
    pub max_age_s: Option<f64>,
    /// `browser`: how strongly the person is to prove who they are (OpenID Connect Core 1.0 section 3.1.2.1).
    pub acr_values: Option<String>,
    /// `browser`, `device`: the scopes to ask for, separated by spaces. Default: the provider's.
    pub scope: Option<String>,
    /// `browser`: the `WWW-Authenticate` field of an answer that asked for more (RFC 9470).
    pub challenge: Option<String>,
    /// `stepUp`: what is to be proven, in the provider's own words.
    pub level: Option<String>,
    /// `tokens`: the access token.
    pub access_token: Option<String>,
    /// `tokens`: the refresh token. Without it the session ends with the access token.
    pub refresh_token: Option<String>,
    /// `tokens`: how many milliseconds the access token lives from now. Default: what a JWT says of itself, or unknown.
    pub expires_in_ms: Option<f64>,
    /// `tokens`: whose they are. Default: who the server's userinfo says (`oidc`).
    pub user: Option<UserOfTokens>,
}

/// Whose tokens they are that the application brings. A `User` fits.
#[napi(object)]
pub struct UserOfTokens {
    /// The server's identifier.
    pub id: String,
    /// The e-mail address.
    #[napi(ts_type = "string | null")]
    pub email: Option<Either<String, Null>>,
    /// The display name.
    #[napi(ts_type = "string | null")]
    pub name: Option<Either<String, Null>>,
    /// The URL of a picture.
    #[napi(ts_type = "string | null")]
    pub image: Option<Either<String, Null>>,
    /// Whether the server has verified the address.
    #[napi(ts_type = "boolean | null")]
    pub email_verified: Option<Either<bool, Null>>,
}

/// A new account.
#[napi(object)]
pub struct SignUpRequest {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The display name.
    pub name: String,
    /// The user name, where the server has such.
    pub username: Option<String>,
}

/// What a request says beside its method, checked to be what the method needs.
pub(super) fn parse_sign_in(request: SignInRequest) -> crate::Result<SignIn> {
    let method = request.method.clone();
    let required = |name: &str, value: Option<String>| {
        value.ok_or_else(|| {
            Error::InvalidArgument(format!(
                "{name} is missing, which method '{}' needs.",
                method.escape_debug()
            ))
        })
    };
    let identifier = |email: Option<String>, username: Option<String>| match (email, username) {
        (None, Some(username)) => Ok(Identifier::Username(username)),
        (email, None) => required("email", email).map(Identifier::Email),
        (Some(_), Some(_)) => Err(Error::InvalidArgument(
            "email and username must not both be there.".to_owned(),
        )),
    };
    match request.method.as_str() {
        "password" => Ok(SignIn::Password {
            identifier: identifier(request.email, request.username)?,
            password: SecretString::new(required("password", request.password)?),
            remember_me: request.remember_me.unwrap_or(true),
        }),
        "code" => Ok(SignIn::Code {
            identifier: identifier(request.email, request.username)?,
        }),
        "tokens" => Ok(SignIn::Tokens {
            access_token: SecretString::new(required("accessToken", request.access_token)?),
            refresh_token: request.refresh_token.map(SecretString::new),
            expires_in_ms: parse_lifetime("expiresInMs", request.expires_in_ms)?
                .map(|lifetime| u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX)),
            user: request.user.map(Into::into),
        }),
        "custom" => Ok(SignIn::Custom),
        "browser" => Ok(SignIn::Browser(BrowserSignIn {
            redirect_uri: None,
            loopback: parse_redirect(request.redirect.as_deref())?,
            connection: request.connection,
            organization: request.organization_id,
            domain_hint: request.domain_hint,
            login_hint: request.login_hint,
            screen_hint: request.screen_hint,
            prompt: request.prompt,
            max_age_s: parse_max_age(request.max_age_s)?,
            acr_values: request.acr_values,
            scope: request.scope,
            challenge: request.challenge,
        })),
        "device" => Ok(SignIn::Device {
            scope: request.scope,
        }),
        "stepUp" => Ok(SignIn::StepUp {
            level: request.level,
        }),
        _ => Err(Error::InvalidArgument(
            "method must be 'password', 'browser', 'device', 'code', 'tokens' or 'stepUp'."
                .to_owned(),
        )),
    }
}

/// Whether the browser is to come back to a port of this machine.
fn parse_redirect(redirect: Option<&str>) -> crate::Result<bool> {
    match redirect {
        None | Some("app") => Ok(false),
        Some("loopback") => Ok(true),
        Some(_) => Err(Error::InvalidArgument(
            "redirect must be 'app' or 'loopback'.".to_owned(),
        )),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to be in range"
)]
fn parse_max_age(seconds: Option<f64>) -> crate::Result<Option<u64>> {
    /// A hundred years.
    const LONGEST: f64 = 3.2e9;
    match seconds {
        None => Ok(None),
        Some(seconds) if (0.0..=LONGEST).contains(&seconds) => Ok(Some(seconds as u64)),
        Some(_) => Err(Error::InvalidArgument(format!(
            "maxAgeS must be a number of seconds from 0 to {LONGEST}."
        ))),
    }
}

impl From<UserOfTokens> for provider::User {
    fn from(user: UserOfTokens) -> Self {
        Self {
            id: user.id,
            email: given(user.email),
            name: given(user.name),
            image: given(user.image),
            email_verified: given(user.email_verified),
        }
    }
}

/// What is neither left out nor `null`.
pub(in crate::node) fn given<T>(value: Option<Either<T, Null>>) -> Option<T> {
    match value {
        Some(Either::A(value)) => Some(value),
        Some(Either::B(Null)) | None => None,
    }
}
