//! Who signs people in, as JavaScript says it.

use super::token_source::{FunctionSource, GetToken};
use crate::Error;
use crate::provider::{
    BetterAuth, BetterAuthOptions, Clerk, ClerkOptions, Custom, Oidc, OidcOptions, Provider,
    TokenEndpoint, TokenEndpointOptions, WorkOs, WorkOsOptions,
};
use napi_derive::napi;
use std::sync::Arc;

/// Who signs people in. Which fields there are depends on `type`.
#[napi(object, object_to_js = false)]
pub struct ProviderOptions<'env> {
    /// The kind of provider: `better-auth` is a Better Auth server with the bearer plugin, `token-endpoint` a server with a
    /// refresh route of its own, `oidc` any OAuth 2 / OIDC server, `workos` an environment of WorkOS AuthKit, `clerk` an
    /// instance of Clerk, `custom` the application's own source of tokens.
    #[napi(
        js_name = "type",
        ts_type = "'better-auth' | 'token-endpoint' | 'oidc' | 'workos' | 'clerk' | 'custom'"
    )]
    pub kind: String,
    /// `better-auth`: the URL of its auth routes, such as `https://api.example.com/api/auth`. https, or http on a loopback
    /// address, as all URLs here. `clerk`: the application's own proxy of Clerk's Frontend API; default Clerk itself.
    /// `custom`: a URL whose origin may receive the token, beside `allowedOrigins`.
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
    /// `oidc`: the scopes, with spaces between. Default `openid profile email offline_access`. Without `openid` no ID token is
    /// asked for.
    pub scope: Option<String>,
    /// `oidc`: what the person is asked again, such as `login`. Default `consent` where `offline_access` is asked for, without which
    /// servers give no refresh token; an empty string: nothing.
    pub prompt: Option<String>,
    /// `oidc`: the API that the access token is for, where the server wants `audience`.
    pub audience: Option<String>,
    /// `oidc`: whether tokens are bound to a key of this device (DPoP, RFC 9449). Default false.
    pub dpop: Option<bool>,
    /// `workos`: the server. Default `https://api.workos.com`; another one for an authentication domain of one's own.
    pub api_url: Option<String>,
    /// `token-endpoint`, `oidc`: whether the server takes a refresh token again when its answer was lost. Default false: each
    /// is sent once, and one that may be spent is not sent again by itself.
    pub refresh_token_reuse: Option<bool>,
    /// `clerk`: the publishable key from Clerk's dashboard.
    pub publishable_key: Option<String>,
    /// `custom`: names the kind of token, 1 to 256 bytes. A stored session is used with no other.
    pub id: Option<String>,
    /// `custom`: brings a token: at `signIn({ method: 'custom' })`, and whenever the one at hand is due. Called once for all who
    /// wait, and given 30 s. `null` means that the person is not signed in there any more, and ends the session; a rejection is
    /// trouble, and it is asked again later.
    #[napi(ts_type = "(request: TokenRequest) => Promise<CustomToken | null>")]
    pub get_token: Option<GetToken<'env>>,
    /// Where the browser comes back to after `method: 'browser'`.
    ///
    /// `oidc`: an address of a private scheme such as `com.example.app:/callback`, one of https that the app has claimed, or
    /// `http://127.0.0.1/callback`, whose port is chosen anew each time. Default: a port of this machine, path `/callback`.
    ///
    /// `better-auth`: an address of the application's own scheme, such as `com.example.app:/auth/callback`. Needed for
    /// `method: 'browser'`. `workos`: such as `com.example.app://callback`. Default: to a port of this machine.
    /// `clerk`: an address of the instance's list of redirect URLs. Needed for `method: 'browser'`.
    pub redirect_uri: Option<String>,
    /// `better-auth`: the `clientID` of the server's Electron plugin. Default `electron`.
    pub electron_client_id: Option<String>,
    /// `better-auth`: the client identifier of the device flow. Default: as `electronClientId`.
    pub device_client_id: Option<String>,
    /// `better-auth`: the `Origin` that goes with the cookies of a second factor, one of the server's `trustedOrigins`.
    /// Default: the scheme of `redirectUri`, such as `com.example.app:/`; without one, the server's own origin.
    pub origin: Option<String>,
}

pub(super) fn parse_provider(options: &ProviderOptions<'_>) -> crate::Result<Arc<dyn Provider>> {
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
            redirect_uri: options.redirect_uri.clone(),
            scope: options.scope.clone(),
            prompt: options.prompt.clone(),
            audience: options.audience.clone(),
            dpop: options.dpop.unwrap_or(false),
            refresh_token_reuse,
        })?),
        "workos" => Arc::new(WorkOs::new(WorkOsOptions {
            client_id: required("clientId", &options.client_id)?,
            redirect_uri: options.redirect_uri.clone(),
            api_url: options.api_url.clone(),
        })?),
        "clerk" => Arc::new(Clerk::new(ClerkOptions {
            publishable_key: required("publishableKey", &options.publishable_key)?,
            base_url: options.base_url.clone(),
            redirect_uri: options.redirect_uri.clone(),
        })?),
        "custom" => {
            let missing =
                || Error::InvalidArgument("provider.getToken must be a function.".to_owned());
            let source = FunctionSource::new(options.get_token.as_ref().ok_or_else(missing)?)?;
            let id = required("id", &options.id)?;
            Arc::new(Custom::new(
                id,
                options.base_url.as_deref(),
                Arc::new(source),
            )?)
        }
        _ => {
            return Err(Error::InvalidArgument(
                "provider.type must be 'better-auth', 'token-endpoint', 'oidc', 'workos', 'clerk' or 'custom'."
                    .to_owned(),
            ));
        }
    })
}
