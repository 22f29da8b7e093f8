//! OAuth 2 for native applications (RFC 8252): what every provider with a page in the browser needs.
//!
//! | file | what it holds |
//! |---|---|
//! | [`callback`] | the address that the browser comes back with: hostile input, parsed once |
//! | [`loopback`] | a listener on this machine that the browser may come back to |
//! | [`pkce`] | the proof that who began a sign-in ends it |
//! | [`device`] | signing in on another device |
//! | [`jws`], [`jwk`], [`jwks`] | signed tokens, the keys that sign them, where a server shows its keys |
//! | [`id_token`] | what an ID token must say |
//! | [`dpop`] | tokens that are of no use without a key |
//! | [`challenge`] | what an API wants to see first |
#![forbid(unsafe_code)]

mod callback;
mod challenge;
mod device;
mod dpop;
mod id_token;
mod jwk;
mod jwks;
mod jws;
mod loopback;
mod pkce;

pub use callback::Callback;
pub use challenge::Challenge;
pub use device::{DEVICE_GRANT, DeviceAuthorization, Refusal, slower};
pub use dpop::{DpopKey, Nonces, Proof};
pub use id_token::Expected;
pub use jwk::{Jwk, JwkSet};
pub use jwks::Jwks;
pub use jws::{Algorithm, Jws};
pub use loopback::Loopback;
pub use pkce::Pkce;

use crate::Result;
use crate::secret::{SecretString, fill_random};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// 256 random bits as text that needs no escaping anywhere: a `state`, a `nonce`, a code verifier.
///
/// # Errors
/// `ERR_INTERNAL` when the system's generator fails.
pub fn random_text() -> Result<SecretString> {
    let mut bytes = [0; 32];
    fill_random(&mut bytes)?;
    Ok(SecretString::new(BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}
