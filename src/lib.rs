//! Auth sessions for Electron, kept in Rust: tokens sealed under the OS keychain, refreshed exactly once, never shown
//! to a web page.
//!
//! Dependencies point one way: `node → session → {provider → http, vault → keychain} → {error, secret, clock}`.

pub mod clock;
mod error;
pub mod http;
pub mod keychain;
#[cfg(feature = "node")]
#[allow(unsafe_code, reason = "the napi macros expand to it")]
mod node;
pub mod provider;
pub mod secret;
pub mod session;
pub mod vault;

pub use error::{CODES, Error, Result};
