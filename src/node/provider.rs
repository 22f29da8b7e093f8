//! Who signs people in, as JavaScript says it.

use crate::Error;
use crate::provider::{
    BetterAuth, BetterAuthOptions, Oidc, OidcOptions, Provider, TokenEndpoint,
    TokenEndpointOptions, WorkOs, WorkOsOptions,
};
use napi_derive::napi;
use std::sync::Arc;

/// Who signs people in. Which fields there are depends on `type`.
#[napi(object)]
#[derive(Debug)]
pub struct ProviderOptions {
    /// The kind of provider: `better-auth` is a Better Auth server with the bearer plugin, `token-endpoint` a server with a
    /// refresh route of its own, `oidc` any OAuth 2 / OIDC server, `workos` an environment of WorkOS AuthKit.
    #[napi(
        js_name = "type",
        ts_type = "'better-auth' | 'token-endpoint' | 'oidc' | 'workos'"
    )]
    pub kind: String,
    /// `better-auth`: the URL of its auth routes, such as `https://api.example.com/api/auth`. https, or http on a loopback
    /// address, as all URLs here.
    pub base_url: Option<String>,
    /// `token-endpoint`: `POST {refreshToken}` answers `{accessToken, refreshToken?, expiresIn?, user?}`, `expiresIn` in
    /// seconds; 401 and 403 end the session.
    pub refresh_url: Option<String>,
    /// `token-endpoint`: `POST {email, password}` answers the same, with `user`. Without it only `method: 'tokens'` signs in.
    ///
    /// `better-auth`: the page that signs people in in the browser, with the server's Electron plugin. Needed for
    /// `method: 'browser'`, except with a `connection`.
    pub sign_in_url: Option<String>,
    /// `token-endpoint`: `POST {refreshToken}` ends the session. Without it the server is not told.
    pub sign_out_url: Option<String>,
    /// `oidc`: the issuer's URL, below which `/.well-known/openid-configuration` lies.
    pub issuer: Option<String>,
    /// `oidc`, `workos`: the identifier of a public client.
    pub client_id: Option<String>,
    /// `workos`: the server. Default `https://api.workos.com`; another one for an authentication domain of one's own.
    pub api_url: Option<String>,
    /// `token-endpoint`, `oidc`: whether the server takes a refresh token again when its answer was lost. Default false: each
    /// is sent once, and one that may be spent is not sent again by itself.
    pub refresh_token_reuse: Option<bool>,
    /// Where the browser comes back to after `method: 'browser'`.
    ///
    /// `better-auth`: an address of the application's own scheme, such as `com.example.app:/auth/callback`. Needed for
    /// `method: 'browser'`. `workos`: one of the environment's redirect URIs, such as `com.example.app://callback`; default: a
    /// port of this machine, path `/callback`.
    pub redirect_uri: Option<String>,
    /// `better-auth`: the `clientID` of the server's Electron plugin. Default `electron`.
    pub electron_client_id: Option<String>,
    /// `better-auth`: the client identifier of the device flow. Default: as `electronClientId`.
    pub device_client_id: Option<String>,
    /// `better-auth`: the `Origin` that goes with the cookies of a second factor, one of the server's `trustedOrigins`.
    /// Default: the scheme of `redirectUri`, such as `com.example.app:/`; without one, the server's own origin.
    pub origin: Option<String>,
}

pub(super) fn parse_provider(options: &ProviderOptions) -> crate::Result<Arc<dyn Provider>> {
    let required = |name: &str, value: &Option<String>| {
        value.clone().ok_or_else(|| {
            Error::InvalidArgument(format!(
                "provider.{name} is missing, which type '{}' needs.",
                options.kind.escape_debug()
            ))
        })
    };
    let refresh_token_reuse = options.refresh_token_reuse.unwrap_or(false);
    Ok(match options.kind.as_str() {
        "better-auth" => Arc::new(BetterAuth::with(BetterAuthOptions {
            base_url: required("baseUrl", &options.base_url)?,
            sign_in_url: options.sign_in_url.clone(),
            redirect_uri: options.redirect_uri.clone(),
            electron_client_id: options.electron_client_id.clone(),
            device_client_id: options.device_client_id.clone(),
            origin: options.origin.clone(),
        })?),
        "token-endpoint" => Arc::new(TokenEndpoint::new(&TokenEndpointOptions {
            refresh_url: required("refreshUrl", &options.refresh_url)?,
            sign_in_url: options.sign_in_url.clone(),
            sign_out_url: options.sign_out_url.clone(),
            refresh_token_reuse,
        })?),
        "oidc" => Arc::new(Oidc::new(OidcOptions {
            issuer: required("issuer", &options.issuer)?,
            client_id: required("clientId", &options.client_id)?,
            refresh_token_reuse,
        })?),
        "workos" => Arc::new(WorkOs::new(WorkOsOptions {
            client_id: required("clientId", &options.client_id)?,
            redirect_uri: options.redirect_uri.clone(),
            api_url: options.api_url.clone(),
        })?),
        _ => {
            return Err(Error::InvalidArgument(
                "provider.type must be 'better-auth', 'token-endpoint', 'oidc' or 'workos'."
                    .to_owned(),
            ));
        }
    })
}
