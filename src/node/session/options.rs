//! How a session is opened and asked, as JavaScript says it.

use super::super::argument::parse_lifetime;
use super::super::fetch::{HttpOptions, parse_http};
use super::super::provider::{ProviderOptions, parse_provider};
use super::super::vault::Vault;
use crate::http::Origin;
use crate::session::{PolicyOptions, SessionOptions};
use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

/// What the application allows a session.
#[napi(object)]
#[derive(Debug)]
pub struct SessionPolicy {
    /// The session locks after so many milliseconds without a request, a token taken, or `touch()`. Default never.
    pub idle_timeout_ms: Option<f64>,
    /// The session ends so many milliseconds after the sign-in, whatever the server allows. Default never.
    pub max_lifetime_ms: Option<f64>,
}

/// How to open a session.
#[napi(object, object_to_js = false)]
pub struct AuthSessionOptions<'env> {
    /// Where the session is kept.
    pub vault: ClassInstance<'env, Vault>,
    /// Who signs people in.
    pub provider: ProviderOptions<'env>,
    /// The name of the account, 1 to 256 bytes, for an application with several people signed in at once: each account has a
    /// session of its own. Default: the application has one session.
    pub account: Option<String>,
    /// How long the session may live and lie unused. Default: as long as the server allows.
    pub policy: Option<SessionPolicy>,
    /// Origins that may receive the access token, beside the provider's own, such as `https://api.example.com`.
    pub allowed_origins: Option<Vec<String>>,
    /// How connections are made, the provider's and those of `fetch`.
    pub http: Option<HttpOptions>,
}

/// How to refresh.
#[napi(object)]
#[derive(Debug)]
pub struct RefreshOptions {
    /// Sends a refresh token that may be spent (reason `unanswered`) once more. If it was spent, the session ends. Default
    /// false.
    pub retry_unanswered: Option<bool>,
}

/// What an access token must be good for.
#[napi(object)]
#[derive(Debug)]
pub struct AccessTokenOptions {
    /// For how many more milliseconds it must be valid. Default 0.
    pub min_validity_ms: Option<f64>,
    /// A token made for another purpose, in the provider's words (Clerk's JWT templates). It is asked for each time. Default:
    /// the access token.
    pub template: Option<String>,
}

pub(super) fn parse_options(options: &AuthSessionOptions<'_>) -> crate::Result<SessionOptions> {
    let provider = parse_provider(&options.provider)?;
    let origins = options.allowed_origins.iter().flatten();
    Ok(SessionOptions {
        allowed_origins: origins
            .map(|origin| Origin::parse(origin))
            .collect::<crate::Result<_>>()?,
        account: options.account.clone(),
        http: parse_http(options.http.as_ref())?,
        policy: parse_policy(options.policy.as_ref())?,
        ..SessionOptions::new(options.vault.vault.clone(), provider)
    })
}

fn parse_policy(policy: Option<&SessionPolicy>) -> crate::Result<PolicyOptions> {
    let Some(policy) = policy else {
        return Ok(PolicyOptions::default());
    };
    Ok(PolicyOptions {
        idle_timeout: parse_lifetime("policy.idleTimeoutMs", policy.idle_timeout_ms)?,
        max_lifetime: parse_lifetime("policy.maxLifetimeMs", policy.max_lifetime_ms)?,
    })
}
