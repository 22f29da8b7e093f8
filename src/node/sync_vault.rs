//! `SyncVault` for the drop-ins, whose originals are synchronous.

use super::argument::Argument;
use super::error::to_js;
use super::process;
use super::vault::{Protection, VaultOptions, parse_options};
use crate::vault;
use napi::bindgen_prelude::{Env, Result};
use napi_derive::napi;

/// A vault whose calls block: what `electron-latchkey/store` and `electron-latchkey/safe-storage` keep their records in.
/// Applications use those, or `Vault`.
///
/// The price of `open` is the keychain: while it answers, which takes milliseconds, or asks the person for a password, which
/// takes up to `keychainTimeoutMs`, the app's main process stands still. Writes take as long as the disk's sync. The records
/// are Latchkey's own: `Vault.keys()` of the same vault does not name them.
#[napi]
#[derive(Debug)]
pub struct SyncVault {
    pub(super) vault: vault::Vault,
}

#[napi]
impl SyncVault {
    /// Opens the vault, or makes an empty one when neither its file nor its key exists, and blocks until it is open.
    ///
    /// Throws what `Vault.open` rejects with. Each can be tried again without a restart.
    #[napi(catch_unwind)]
    pub fn open(
        env: &Env,
        #[napi(ts_arg_type = "VaultOptions")] options: Argument<VaultOptions>,
    ) -> Result<SyncVault> {
        let opened = process::check(env)
            .and_then(|()| options.parse("options", "VaultOptions"))
            .and_then(parse_options)
            .and_then(|(options, source)| vault::Vault::open(options, source));
        let vault = opened.map_err(|error| to_js(env, &error))?;
        Ok(Self { vault })
    }

    /// What protects this vault.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn protection(&self) -> Protection {
        Protection::of(&self.vault)
    }

    /// Closes the vault and wipes its values from memory. Calls after this throw `ERR_VAULT_CLOSED`.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.vault.close();
    }
}
