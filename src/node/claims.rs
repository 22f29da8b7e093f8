//! What access tokens say, where it is known beforehand: types for `claims()`, and no code.
#![allow(
    dead_code,
    reason = "the types are for index.d.ts; the values are made of JSON"
)]

use napi_derive::napi;

/// What `session.claims<WorkOsClaims>()` answers with the provider `workos`: the claims of its access token under their own
/// names, and what the sign-in told beside it. An environment may add claims of its own to them.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct WorkOsClaims {
    /// The user.
    pub sub: String,
    /// The session.
    pub sid: String,
    /// The server that issued the token.
    pub iss: String,
    /// When the token was issued, in seconds since 1970 by the server's clock.
    pub iat: f64,
    /// When it ends, in seconds since 1970 by the server's clock.
    pub exp: f64,
    /// Names the token.
    pub jti: Option<String>,
    /// The organization that the session is for, if for one.
    #[napi(js_name = "org_id")]
    pub org_id: Option<String>,
    /// The person's role in the organization.
    pub role: Option<String>,
    /// All of their roles there.
    pub roles: Option<Vec<String>>,
    /// What the roles permit.
    pub permissions: Option<Vec<String>>,
    /// What the organization has paid for.
    pub entitlements: Option<Vec<String>>,
    /// What is switched on for the organization or the person.
    #[napi(js_name = "feature_flags")]
    pub feature_flags: Option<Vec<String>>,
    /// How the person signed in, such as `Password`, `SSO`, `GoogleOAuth`, `Impersonation`.
    #[napi(js_name = "authentication_method")]
    pub authentication_method: Option<String>,
    /// Who acts in the person's place, from the vendor's dashboard.
    pub impersonator: Option<WorkOsImpersonator>,
}

/// Somebody of the application's operators who acts in a user's place.
#[napi(object, object_from_js = false, use_nullable = true)]
#[derive(Debug)]
pub struct WorkOsImpersonator {
    /// Their e-mail address.
    pub email: String,
    /// Why, in their own words.
    pub reason: Option<String>,
}
