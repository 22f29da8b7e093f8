//! `safeStorage` for JavaScript: what `electron-latchkey/safe-storage` is made of.

use super::argument::{Argument, Text, parse_millis};
use super::error::to_js;
use super::promise::{or_rejected, promise_blocking};
use super::sync_vault::SyncVault;
use super::vault::Vault;
use crate::import::keyrings::{ElectronApp, Keyrings as _, OsKeyrings};
use crate::safe_storage::{self, Opened};
use crate::vault;
use napi::bindgen_prelude::{Buffer, ClassInstance, Either, Env, PromiseRaw, Result, Uint8Array};
use napi_derive::napi;
use std::path::PathBuf;
use std::time::Duration;

const KEYCHAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Where `SafeStorage` has its key, and whose ciphertexts it reads beside its own.
#[napi(object, object_to_js = false)]
pub struct SafeStorageOptions<'env> {
    /// The vault that keeps the key.
    #[napi(ts_type = "Vault | SyncVault")]
    pub vault: Either<ClassInstance<'env, Vault>, ClassInstance<'env, SyncVault>>,
    /// The name of the app whose `safeStorage` of Electron is read too, `app.getName()`. Default: Electron's ciphertexts are
    /// refused.
    pub app: Option<String>,
    /// On Windows: the file `Local State` in `app.getPath('userData')`, which holds Electron's key.
    pub local_state: Option<String>,
    /// How long one question for Electron's key may take, in milliseconds, prompts included. Default 30000.
    pub keychain_timeout_ms: Option<f64>,
}

/// A decrypted string.
#[napi(object)]
#[derive(Debug)]
pub struct Decrypted {
    /// The string.
    pub result: String,
    /// Whether encrypting it anew makes it safer: Electron encrypted it, or a key from before a rotation of the vault's.
    pub should_re_encrypt: bool,
}

/// Strings sealed for the application to keep wherever it likes. Applications use `electron-latchkey/safe-storage`, which has
/// Electron's names.
///
/// The key is random and lies in the vault: ciphertexts survive `rotateKey`, a recovery copy, and go with the vault's file.
/// Each ciphertext is authenticated and differs from every other.
#[napi]
#[derive(Debug)]
pub struct SafeStorage {
    vault: vault::Vault,
    electron: Option<(ElectronApp, OsKeyrings)>,
}

#[napi]
impl SafeStorage {
    /// `safeStorage` over this vault.
    ///
    /// Throws `ERR_INVALID_ARGUMENT`.
    #[napi(catch_unwind)]
    pub fn over<'env>(
        env: &'env Env,
        #[napi(ts_arg_type = "SafeStorageOptions")] options: Argument<SafeStorageOptions<'env>>,
    ) -> Result<SafeStorage> {
        let over = options
            .parse("options", "SafeStorageOptions")
            .and_then(|options| {
                let given = options.keychain_timeout_ms;
                let limit = parse_millis("keychainTimeoutMs", given, KEYCHAIN_TIMEOUT)?;
                let local_state = options.local_state.map(PathBuf::from);
                let app = options.app.map(|name| ElectronApp { name, local_state });
                Ok(Self {
                    vault: match &options.vault {
                        Either::A(vault) => vault.vault.clone(),
                        Either::B(vault) => vault.vault.clone(),
                    },
                    electron: app.map(|app| (app, OsKeyrings { limit })),
                })
            });
        over.map_err(|error| to_js(env, &error))
    }

    /// Encrypts a string.
    ///
    /// Throws `ERR_INVALID_ARGUMENT`, `ERR_VAULT_CLOSED`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`,
    /// `ERR_VAULT_CORRUPT`.
    #[napi(catch_unwind)]
    pub fn encrypt_string(
        &self,
        env: &Env,
        #[napi(ts_arg_type = "string")] plain_text: Argument<Text>,
    ) -> Result<Buffer> {
        parse_text(plain_text)
            .and_then(|text| safe_storage::seal(&self.vault, &text))
            .map(Buffer::from)
            .map_err(|error| to_js(env, &error))
    }

    /// Decrypts what `encryptString` or Electron made.
    ///
    /// Throws `ERR_DECRYPTION_FAILED`, for Electron's key the keychain's errors, and as `encryptString` does.
    #[napi(catch_unwind)]
    pub fn decrypt_string(
        &self,
        env: &Env,
        #[napi(ts_arg_type = "Uint8Array")] encrypted: Argument<Uint8Array>,
    ) -> Result<Decrypted> {
        parse_bytes(encrypted)
            .and_then(|bytes| open(&self.vault, self.electron.as_ref(), &bytes))
            .map(to_decrypted)
            .map_err(|error| to_js(env, &error))
    }

    /// As `encryptString`, off the JavaScript thread.
    ///
    /// Rejects with what `encryptString` throws.
    #[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
    pub fn encrypt_string_async<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] plain_text: Argument<Text>,
    ) -> Result<PromiseRaw<'env, Buffer>> {
        let vault = self.vault.clone();
        let begun = parse_text(plain_text).map(|text| {
            let seal = move || safe_storage::seal(&vault, &text);
            promise_blocking(env, seal, |_, sealed| Ok(sealed.into()))
        });
        or_rejected(env, begun)
    }

    /// As `decryptString`, off the JavaScript thread.
    ///
    /// Rejects with what `decryptString` throws.
    #[napi(catch_unwind, ts_return_type = "Promise<Decrypted>")]
    pub fn decrypt_string_async<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "Uint8Array")] encrypted: Argument<Uint8Array>,
    ) -> Result<PromiseRaw<'env, Decrypted>> {
        let (vault, electron) = (self.vault.clone(), self.electron.clone());
        let begun = parse_bytes(encrypted).map(|bytes| {
            let open = move || open(&vault, electron.as_ref(), &bytes);
            promise_blocking(env, open, |_, opened| Ok(to_decrypted(opened)))
        });
        or_rejected(env, begun)
    }
}

fn open(
    vault: &vault::Vault,
    electron: Option<&(ElectronApp, OsKeyrings)>,
    sealed: &[u8],
) -> crate::Result<Opened> {
    let keys = electron.map(|(app, keyrings)| move || keyrings.chromium_keys(app));
    let keys = keys.as_ref().map(|keys| keys as &dyn Fn() -> _);
    safe_storage::open(vault, sealed, keys)
}

fn parse_text(text: Argument<Text>) -> crate::Result<String> {
    text.parse("plainText", "a string of whole Unicode characters")
        .map(|text| text.0)
}

fn parse_bytes(bytes: Argument<Uint8Array>) -> crate::Result<Vec<u8>> {
    bytes
        .parse("encrypted", "a Buffer")
        .map(|bytes| bytes.to_vec())
}

fn to_decrypted(opened: Opened) -> Decrypted {
    Decrypted {
        result: opened.text.expose().to_owned(),
        should_re_encrypt: opened.is_outdated,
    }
}
