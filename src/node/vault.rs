//! `Vault` for JavaScript.

use super::argument::Argument;
use super::process;
use super::promise::{or_rejected, promise_blocking};
use crate::keychain::{Backend, Deadline, OsKeychain};
use crate::secret::{SecretBytes, SecretString};
use crate::vault::{self, KeySource, Value};
use napi::bindgen_prelude::{Buffer, Either, Env, PromiseRaw, Result, Uint8Array};
use napi_derive::napi;
use std::time::Duration;

const KEYCHAIN_TIMEOUT_MS: u32 = 30_000;
const LOCK_TIMEOUT_MS: u32 = 5_000;

/// How to open a vault.
#[napi(object)]
#[derive(Debug)]
pub struct VaultOptions {
    /// Names the vault for ever, such as `com.example.app`: 1 to 128 of `A-Z a-z 0-9 . _ -`, not beginning with a dot.
    /// The keychain item is found by it, so it must not change when the app is renamed.
    pub id: String,
    /// The directory for the vault's files, absolute; made (mode 0700) when missing. Default: a folder named by the id in
    /// the OS data directory (`$XDG_DATA_HOME` or `~/.local/share`, `~/Library/Application Support`, `%LOCALAPPDATA%`).
    pub path: Option<String>,
    /// How long one keychain call may take, in milliseconds, prompts included. Default 30000.
    pub keychain_timeout_ms: Option<u32>,
    /// How long a write waits for other processes, in milliseconds. Default 5000.
    pub lock_timeout_ms: Option<u32>,
}

/// How to store one value.
#[napi(object)]
#[derive(Debug)]
pub struct SetOptions {
    /// After how many milliseconds the value is absent, 1 or more, by the wall clock. Default: never.
    pub ttl_ms: Option<f64>,
}

/// What protects a vault. Proven: the key was read from this backend when the vault was opened.
#[napi(object)]
#[derive(Debug)]
pub struct Protection {
    /// The store that holds the root key.
    #[napi(ts_type = "'secret-service' | 'keychain' | 'credential-manager' | 'memory'")]
    pub backend: String,
    /// What that means, in a sentence for a settings page.
    pub description: String,
    /// The vault's file.
    pub path: String,
}

/// A small sealed store: keys and values in one file, under a root key that the OS keychain keeps.
///
/// Reads come from memory; a write that has resolved is on disk. Several processes may open one vault.
#[napi]
#[derive(Debug)]
pub struct Vault(pub(super) vault::Vault);

#[napi]
impl Vault {
    /// Opens the vault, or makes an empty one when neither its file nor its key exists. Until the keychain has answered,
    /// nothing is written anywhere.
    ///
    /// Rejects with `ERR_WRONG_PROCESS`, `ERR_INVALID_ARGUMENT`, `ERR_KEYCHAIN_UNAVAILABLE`, `ERR_KEYCHAIN_LOCKED`,
    /// `ERR_KEYCHAIN_DENIED`, `ERR_KEYCHAIN_TIMEOUT`, `ERR_KEYCHAIN_AMBIGUOUS`, `ERR_KEYCHAIN_FAILED`, `ERR_KEY_MISSING`
    /// (the file exists, its key does not), `ERR_KEY_INVALID`, `ERR_VAULT_TAMPERED`, `ERR_VAULT_CORRUPT`,
    /// `ERR_VAULT_VERSION`, `ERR_VAULT_FOREIGN`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`. Each can be tried again without a restart.
    #[napi(catch_unwind, ts_return_type = "Promise<Vault>")]
    pub fn open<'env>(
        env: &'env Env,
        #[napi(ts_arg_type = "VaultOptions")] options: Argument<VaultOptions>,
    ) -> Result<PromiseRaw<'env, Vault>> {
        process::check(env)?;
        let begun = options.parse("options", "VaultOptions").map(|options| {
            let deadline = millis(options.keychain_timeout_ms, KEYCHAIN_TIMEOUT_MS);
            let opening = vault::VaultOptions {
                path: options.path.map(Into::into),
                lock_timeout: millis(options.lock_timeout_ms, LOCK_TIMEOUT_MS),
                ..vault::VaultOptions::new(options.id)
            };
            let open = move || {
                let keychain = Deadline::new(OsKeychain::new(), deadline);
                vault::Vault::open(opening, KeySource::keychain(keychain))
            };
            promise_blocking(env, open, |_, opened| Ok(Self(opened)))
        });
        or_rejected(env, begun)
    }

    /// The value under `key`, as it was stored; `null` when there is none.
    ///
    /// Rejects with `ERR_INVALID_ARGUMENT`, `ERR_VAULT_CLOSED`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`.
    #[napi(catch_unwind, ts_return_type = "Promise<string | Buffer | null>")]
    pub fn get<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] key: Argument<String>,
    ) -> Result<PromiseRaw<'env, Option<Either<String, Buffer>>>> {
        let begun = parse_key(key).and_then(|key| {
            Ok(match self.0.get_now(&key)? {
                Some(value) => PromiseRaw::resolve(env, value.map(to_js)),
                None => {
                    let vault = self.0.clone();
                    promise_blocking(
                        env,
                        move || vault.get(&key),
                        |_, value| Ok(value.map(to_js)),
                    )
                }
            })
        });
        or_rejected(env, begun)
    }

    /// Stores a value durably. Keys: at most 16384 bytes of UTF-8; values: at most 16777216 bytes.
    ///
    /// Rejects with `ERR_INVALID_ARGUMENT`, `ERR_VAULT_CLOSED`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`;
    /// the vault is then as before.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn set<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] key: Argument<String>,
        #[napi(ts_arg_type = "string | Uint8Array")] value: Argument<Either<String, Uint8Array>>,
        #[napi(ts_arg_type = "SetOptions | undefined | null")] options: Option<
            Argument<SetOptions>,
        >,
    ) -> Result<PromiseRaw<'env, ()>> {
        let begun = parse_key(key).and_then(|key| {
            let value = match value.parse("value", "a string or a Uint8Array")? {
                Either::A(text) => Value::Text(SecretString::new(text)),
                Either::B(bytes) => Value::Bytes(SecretBytes::new(bytes.to_vec())),
            };
            let ttl = match options {
                None => None,
                Some(options) => options.parse("options", "SetOptions")?.ttl_ms,
            };
            let ttl = ttl.map(parse_ttl).transpose()?;
            let vault = self.0.clone();
            Ok(promise_blocking(
                env,
                move || vault.set(&key, value, ttl),
                |_, ()| Ok(()),
            ))
        });
        or_rejected(env, begun)
    }

    /// Removes a value durably. Resolves to whether it was there.
    ///
    /// Rejects with `ERR_INVALID_ARGUMENT`, `ERR_VAULT_CLOSED`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`.
    #[napi(catch_unwind, ts_return_type = "Promise<boolean>")]
    pub fn delete<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] key: Argument<String>,
    ) -> Result<PromiseRaw<'env, bool>> {
        let begun = parse_key(key).map(|key| {
            let vault = self.0.clone();
            promise_blocking(
                env,
                move || vault.delete(&key),
                |_, was_there| Ok(was_there),
            )
        });
        or_rejected(env, begun)
    }

    /// Whether `key` has a value.
    ///
    /// Rejects as `get` does.
    #[napi(catch_unwind, ts_return_type = "Promise<boolean>")]
    pub fn has<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] key: Argument<String>,
    ) -> Result<PromiseRaw<'env, bool>> {
        let begun = parse_key(key).map(|key| {
            let vault = self.0.clone();
            promise_blocking(env, move || vault.has(&key), |_, has| Ok(has))
        });
        or_rejected(env, begun)
    }

    /// The names of all values, sorted by their UTF-8 bytes.
    ///
    /// Rejects as `get` does.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<string>>")]
    pub fn keys<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, Vec<String>>> {
        let vault = self.0.clone();
        promise_blocking(env, move || vault.keys(), |_, keys| Ok(keys))
    }

    /// Removes all values in one step. A session kept in this vault stays.
    ///
    /// Rejects as `delete` does.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn clear<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let vault = self.0.clone();
        promise_blocking(env, move || vault.clear(), |_, ()| Ok(()))
    }

    /// What protects this vault.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn protection(&self) -> Protection {
        let protection = self.0.protection();
        Protection {
            backend: protection
                .backend
                .map_or("passphrase", Backend::name)
                .to_owned(),
            description: protection
                .backend
                .map_or(PASSPHRASE_DESCRIPTION, Backend::description)
                .to_owned(),
            path: protection.path.display().to_string(),
        }
    }

    /// Closes the vault and wipes its values from memory. Calls after this reject with `ERR_VAULT_CLOSED`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        let vault = self.0.clone();
        promise_blocking(
            env,
            move || {
                vault.close();
                Ok(())
            },
            |_, ()| Ok(()),
        )
    }
}

fn millis(given: Option<u32>, default: u32) -> Duration {
    Duration::from_millis(given.unwrap_or(default).into())
}

fn parse_key(key: Argument<String>) -> crate::Result<String> {
    key.parse("key", "a string")
}

fn to_js(value: Value) -> Either<String, Buffer> {
    match value {
        Value::Text(text) => Either::A(text.expose().to_owned()),
        Value::Bytes(bytes) => Either::B(bytes.expose().to_vec().into()),
    }
}

fn parse_ttl(ttl_ms: f64) -> crate::Result<Duration> {
    // Also refuses NaN and what a Duration cannot hold.
    if ttl_ms >= 1.0
        && let Ok(ttl) = Duration::try_from_secs_f64(ttl_ms / 1000.0)
    {
        return Ok(ttl);
    }
    Err(crate::Error::InvalidArgument(
        "ttlMs must be a number of milliseconds, 1 or more.".to_owned(),
    ))
}
