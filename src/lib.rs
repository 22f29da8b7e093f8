//! Auth sessions for Electron, kept in Rust: tokens sealed under the OS keychain, refreshed exactly once, never shown
//! to a web page.
//!
//! Dependencies point one way: `node → session → {provider → http, vault → keychain} → {error, secret, clock}`.

pub mod clock;
mod error;
pub mod keychain;
pub mod secret;
pub mod vault;

pub use error::{CODES, Error, Result};
