//! The hosted page in the browser: authorization code with PKCE (RFC 7636).
#![forbid(unsafe_code)]

use super::{Claims, Secret};
use crate::http::Url;
use crate::oauth::{Callback, Challenge, Pkce, random_text};
use crate::provider::{BrowserSignIn, Current, safe_reason};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// How long the person has. The hosted page may ask for a second factor to be set up, or mail to be read.
pub(super) const LIFETIME_MS: u64 = 30 * 60 * 1000;
/// The hosted page, which offers every way of signing in that the environment allows.
const AUTHKIT: &str = "authkit";
/// What identifiers of enterprise connections begin with; all others name a social provider.
const CONNECTION: &str = "conn_";
/// The `prompt` that has the person prove anew who they are (OpenID Connect Core 1.0 section 3.1.2.1).
const ASK_AGAIN: &str = "login";

/// What is needed when the browser comes back.
#[derive(Serialize, Deserialize)]
pub(super) struct Authorization {
    pub(super) code_verifier: Secret,
    /// The one person it may be: who is to prove anew who they are.
    pub(super) person: Option<String>,
}

/// Begins: what the browser opens, the `state` that it comes back with, and what to keep until then.
///
/// # Errors
/// `ERR_NOT_SUPPORTED` for a strength of proof by name, `ERR_INTERNAL`.
pub(super) fn begin(
    mut url: Url,
    client_id: &str,
    redirect_uri: &str,
    how: &BrowserSignIn,
) -> Result<(Url, String, Authorization)> {
    if how.acr_values.is_some() {
        return Err(Error::NotSupported(
            "acrValues; ask with maxAgeS or prompt 'login'",
        ));
    }
    let pkce = Pkce::new()?;
    let state = random_text()?.expose().to_owned();
    let connection = how.connection.as_deref();
    let (provider, connection_id) = match connection {
        Some(connection) if connection.starts_with(CONNECTION) => (None, Some(connection)),
        Some(provider) => (Some(provider), None),
        None => (Some(AUTHKIT), None),
    };
    let max_age = how.max_age_s.map(|seconds| seconds.to_string());
    let parameters = [
        ("client_id", Some(client_id)),
        ("code_challenge", Some(pkce.challenge.as_str())),
        ("code_challenge_method", Some(Pkce::METHOD)),
        ("connection_id", connection_id),
        ("domain_hint", how.domain_hint.as_deref()),
        ("login_hint", how.login_hint.as_deref()),
        ("max_age", max_age.as_deref()),
        ("organization_id", how.organization.as_deref()),
        ("prompt", how.prompt.as_deref()),
        ("provider", provider),
        ("redirect_uri", Some(redirect_uri)),
        ("response_type", Some("code")),
        ("screen_hint", how.screen_hint.as_deref()),
        ("state", Some(&state)),
    ];
    let given = parameters
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    // Scopes of the social provider, one parameter each, as the vendor's own client writes them.
    let scopes = how.scope.iter().flat_map(|scope| scope.split(' '));
    url.query_pairs_mut()
        .extend_pairs(given)
        .extend_pairs(scopes.map(|scope| ("provider_scopes", scope)));
    let authorization = Authorization {
        code_verifier: Secret::new(pkce.verifier.expose().to_owned()),
        person: None,
    };
    Ok((url, state, authorization))
}

/// A sign-in that is to prove again who is signed in: for the person and the organization of the session at hand, unless the
/// application names others; and as an API of the application asked for it, if one did. With it, who it has to be.
pub(super) fn for_the_person_at_hand(
    mut how: BrowserSignIn,
    current: Option<&Current<'_>>,
) -> (BrowserSignIn, Option<String>) {
    if let Some(field) = how.challenge.take() {
        let wanted = Challenge::parse(&field);
        how.max_age_s = how.max_age_s.or(wanted.max_age_s);
        how.acr_values = how.acr_values.or(wanted.acr_values);
        if how.max_age_s.is_none() {
            how.prompt.get_or_insert_with(|| ASK_AGAIN.to_owned());
        }
    }
    let asks_again = how.max_age_s.is_some() || how.prompt.as_deref() == Some(ASK_AGAIN);
    let Some(current) = current.filter(|_| asks_again) else {
        return (how, None);
    };
    if how.login_hint.is_none() {
        how.login_hint.clone_from(&current.user.email);
    }
    if how.organization.is_none() {
        how.organization = Claims::of(current.credentials).and_then(|claims| claims.org_id);
    }
    (how, Some(current.user.id.clone()))
}

/// The code that the browser came back with.
///
/// # Errors
/// `ERR_ACCESS_DENIED` with the page's word, `ERR_CALLBACK_INVALID` when there is neither.
pub(super) fn code_of(callback: &Callback) -> Result<&str> {
    if let Some(error) = callback.get("error") {
        let reason = safe_reason(Some(&error.to_ascii_uppercase()));
        return Err(Error::AccessDenied(reason));
    }
    let code = callback.get("code").filter(|code| !code.is_empty());
    code.ok_or(Error::CallbackInvalid("it has no code"))
}
