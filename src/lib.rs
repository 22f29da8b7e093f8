//! Auth sessions for Electron, kept in Rust: tokens sealed under the OS keychain, refreshed exactly once, never shown
//! to a web page.
//!
//! Dependencies point one way: `node → session → {provider → oauth → http, vault → keychain} → {error, secret, clock}`.

pub mod clock;
mod error;
pub mod harden;
pub mod http;
pub mod import;
pub mod keychain;
#[cfg(feature = "node")]
#[allow(
    unsafe_code,
    unreachable_pub,
    reason = "the napi macros expand to the one and ask for the other"
)]
#[cfg_attr(
    test,
    allow(dead_code, reason = "napi registers nothing in a test build")
)]
mod node;
pub mod oauth;
pub mod provider;
pub mod safe_storage;
pub mod secret;
pub mod session;
pub mod store;
pub mod vault;

pub use error::{CODES, Error, Result, TlsFault};
