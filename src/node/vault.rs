//! `Vault` for JavaScript.

use super::argument::{Argument, Text, parse_millis};
use super::listener::{Listener, listen};
use super::process;
use super::promise::{or_rejected, promise_blocking};
use super::queue::Queue;
use crate::keychain::{Backend, Deadline, OsKeychain};
use crate::secret::{SecretBytes, SecretString};
use crate::vault::{self, Change, KeySource, StoredValue, Value};
use napi::bindgen_prelude::{
    Buffer, BufferSlice, Either, Either3, Env, Function, JsValue as _, Null, PromiseRaw, Result,
    ToNapiValue, Uint8Array, Unknown,
};
use napi_derive::napi;
use std::time::Duration;

const KEYCHAIN_TIMEOUT: Duration = Duration::from_secs(30);
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// How to open a vault.
#[napi(object, object_to_js = false)]
pub struct VaultOptions {
    /// Names the vault for ever, such as `com.example.app`: 1 to 128 of `A-Z a-z 0-9 . _ -`, not beginning with a dot.
    /// The keychain item is found by it, so it must not change when the app is renamed. Two folders with one id are two
    /// vaults.
    pub id: String,
    /// The directory for the vault's files, absolute; made (mode 0700) when missing. Default: a folder named by the id in
    /// the OS data directory (`$XDG_DATA_HOME` or `~/.local/share`, `~/Library/Application Support`, `%LOCALAPPDATA%`).
    pub path: Option<String>,
    /// What protects the vault's key: the OS keychain (`'os'`, the default), or a passphrase for systems that have none. A
    /// vault made with one is never opened with the other.
    #[napi(ts_type = "'os' | { passphrase: string }")]
    pub keychain: Option<Either<String, Passphrase>>,
    /// Whether to open a file that is older than the last sign-in, sign-out or key rotation, because a person restored it on
    /// purpose. Default false.
    pub allow_rollback: Option<bool>,
    /// How long one keychain call may take, in milliseconds, prompts included. Default 30000.
    pub keychain_timeout_ms: Option<f64>,
    /// How long a write waits for other processes, in milliseconds. Default 5000.
    pub lock_timeout_ms: Option<f64>,
}

/// A passphrase that protects a vault.
#[napi(object, object_to_js = false)]
pub struct Passphrase {
    /// The passphrase, as the person typed it. Stretched with Argon2id (64 MiB, 3 passes).
    #[napi(ts_type = "string")]
    pub passphrase: Text,
}

/// One change of a batch: a value to store, or a key to remove.
#[napi(object, object_to_js = false)]
pub struct VaultChange {
    /// The key.
    #[napi(ts_type = "string")]
    pub key: Text,
    /// The value to store; `null` removes the key.
    #[napi(ts_type = "string | Uint8Array | null")]
    pub value: Either3<Text, Uint8Array, Null>,
    /// After how many milliseconds the value is absent, 1 or more. Default: never.
    pub ttl_ms: Option<f64>,
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
    #[napi(ts_type = "'secret-service' | 'keychain' | 'credential-manager' | 'passphrase'")]
    pub backend: String,
    /// What that means, in a sentence for a settings page.
    pub description: String,
    /// The vault's file.
    pub path: String,
    /// How long the key took to come when the vault was opened, in milliseconds: the keychain's answers, a prompt that a
    /// person answered among them, or the passphrase's derivation.
    pub unlock_ms: f64,
}

impl Protection {
    pub(super) fn of(vault: &vault::Vault) -> Self {
        let protection = vault.protection();
        Self {
            backend: protection
                .backend
                .map_or("passphrase", Backend::name)
                .to_owned(),
            description: protection
                .backend
                .map_or(PASSPHRASE_DESCRIPTION, Backend::description)
                .to_owned(),
            path: protection.path.display().to_string(),
            unlock_ms: protection.unlocked_in.as_secs_f64() * 1000.0,
        }
    }
}

/// A small sealed store: keys and values in one file, under a root key that the OS keychain keeps.
///
/// Reads come from memory; a write that has resolved is on disk. Several processes may open one vault.
#[napi]
#[derive(Debug)]
pub struct Vault {
    pub(super) vault: vault::Vault,
    queue: Queue,
}

impl Vault {
    fn new(vault: vault::Vault) -> Self {
        Self {
            vault,
            queue: Queue::default(),
        }
    }

    /// Runs a call on the vault after every call before it.
    fn run<'env, T, V>(
        &self,
        env: &'env Env,
        work: impl FnOnce(&vault::Vault) -> crate::Result<T> + Send + 'static,
        convert: impl FnOnce(T) -> V + Send + 'static,
    ) -> Result<PromiseRaw<'env, V>>
    where
        T: Send + 'static,
        V: ToNapiValue + 'static,
    {
        let vault = self.vault.clone();
        self.queue
            .run(env, move || work(&vault), |_, value| Ok(convert(value)))
    }
}

#[napi]
impl Vault {
    /// Opens the vault, or makes an empty one when neither its file nor its key exists. Until the keychain has answered,
    /// nothing is written anywhere.
    ///
    /// Rejects with `ERR_WRONG_PROCESS`, `ERR_INVALID_ARGUMENT`, `ERR_KEYCHAIN_UNAVAILABLE`, `ERR_KEYCHAIN_LOCKED`,
    /// `ERR_KEYCHAIN_DENIED`, `ERR_KEYCHAIN_TIMEOUT`, `ERR_KEYCHAIN_AMBIGUOUS`, `ERR_KEYCHAIN_FAILED`, `ERR_KEY_MISSING`
    /// (the file exists, its key does not), `ERR_KEY_INVALID`, `ERR_INVALID_PASSPHRASE`, `ERR_PROTECTION_MISMATCH`,
    /// `ERR_VAULT_ROLLED_BACK`, `ERR_VAULT_TAMPERED`, `ERR_VAULT_CORRUPT`, `ERR_VAULT_VERSION`, `ERR_VAULT_FOREIGN`,
    /// `ERR_VAULT_BUSY`, `ERR_VAULT_IO`. Each can be tried again without a restart.
    #[napi(catch_unwind, ts_return_type = "Promise<Vault>")]
    pub fn open<'env>(
        env: &'env Env,
        #[napi(ts_arg_type = "VaultOptions")] options: Argument<VaultOptions>,
    ) -> Result<PromiseRaw<'env, Vault>> {
        let begun = process::check(env)
            .and_then(|()| options.parse("options", "VaultOptions"))
            .and_then(parse_options)
            .map(|(options, source)| {
                let open = move || vault::Vault::open(options, source);
                promise_blocking(env, open, |_, opened| Ok(Self::new(opened)))
            });
        or_rejected(env, begun)
    }

    /// Makes the vault anew with what a recovery copy holds, for when the keychain was lost. A file that is in the way is kept
    /// beside it, as `vault.replaced-1` and so on.
    ///
    /// Rejects with `ERR_INVALID_PASSPHRASE`, `ERR_VAULT_CORRUPT`, `ERR_VAULT_TAMPERED`, `ERR_VAULT_VERSION`,
    /// `ERR_VAULT_FOREIGN` for the copy, and as `open` does.
    #[napi(catch_unwind, ts_return_type = "Promise<Vault>")]
    pub fn recover<'env>(
        env: &'env Env,
        #[napi(ts_arg_type = "VaultOptions")] options: Argument<VaultOptions>,
        #[napi(ts_arg_type = "Uint8Array")] copy: Argument<Uint8Array>,
        #[napi(ts_arg_type = "string")] passphrase: Argument<Text>,
    ) -> Result<PromiseRaw<'env, Vault>> {
        let begun = process::check(env)
            .and_then(|()| options.parse("options", "VaultOptions"))
            .and_then(parse_options)
            .and_then(|(options, source)| {
                let copy = copy.parse("copy", "a Uint8Array")?.to_vec();
                let passphrase = parse_passphrase(passphrase)?;
                let recover = move || vault::Vault::recover(options, source, &copy, passphrase);
                Ok(promise_blocking(env, recover, |_, opened| {
                    Ok(Self::new(opened))
                }))
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
        #[napi(ts_arg_type = "string")] key: Argument<Text>,
    ) -> Result<PromiseRaw<'env, Option<Unknown<'env>>>> {
        let begun = parse_key(key).and_then(|key| {
            let at_once = if self.queue.is_idle() {
                self.vault.get_now(&key, |stored| copy_to_js(env, stored))?
            } else {
                None
            };
            Ok(match at_once {
                // Not inside: resolving with an object may run JavaScript, which may call the vault.
                Some(value) => value.and_then(|value| PromiseRaw::resolve(env, value)),
                None => self
                    .run(env, move |vault| vault.get(&key), |value| value.map(to_js))
                    .map(|promise| PromiseRaw::new(env.raw(), promise.raw())),
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
        #[napi(ts_arg_type = "string")] key: Argument<Text>,
        #[napi(ts_arg_type = "string | Uint8Array")] value: Argument<Either<Text, Uint8Array>>,
        #[napi(ts_arg_type = "SetOptions | undefined | null")] options: Option<
            Argument<SetOptions>,
        >,
    ) -> Result<PromiseRaw<'env, ()>> {
        let begun = parse_key(key).and_then(|key| {
            let value = to_value(value.parse(
                "value",
                "a string of whole Unicode characters or a Uint8Array",
            )?);
            let ttl = match options {
                None => None,
                Some(options) => options.parse("options", "SetOptions")?.ttl_ms,
            };
            let ttl = ttl.map(parse_ttl).transpose()?;
            Ok(self.run(env, move |vault| vault.set(&key, value, ttl), |()| ()))
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
        #[napi(ts_arg_type = "string")] key: Argument<Text>,
    ) -> Result<PromiseRaw<'env, bool>> {
        let begun = parse_key(key)
            .map(|key| self.run(env, move |vault| vault.delete(&key), |was_there| was_there));
        or_rejected(env, begun)
    }

    /// Whether `key` has a value.
    ///
    /// Rejects as `get` does.
    #[napi(catch_unwind, ts_return_type = "Promise<boolean>")]
    pub fn has<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] key: Argument<Text>,
    ) -> Result<PromiseRaw<'env, bool>> {
        let begun =
            parse_key(key).map(|key| self.run(env, move |vault| vault.has(&key), |has| has));
        or_rejected(env, begun)
    }

    /// The names of all values, sorted by their UTF-8 bytes.
    ///
    /// Rejects as `get` does.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<string>>")]
    pub fn keys<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, Vec<String>>> {
        self.run(env, move |vault| vault.keys(), |keys| keys)
    }

    /// Removes all values in one step. A session kept in this vault stays.
    ///
    /// Rejects as `delete` does.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn clear<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        self.run(env, move |vault| vault.clear(), |()| ())
    }

    /// Makes all of the changes or, when it rejects, none: one durable write.
    ///
    /// Rejects as `set` does.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn write<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "Array<VaultChange>")] changes: Argument<Vec<VaultChange>>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let begun = changes
            .parse("changes", "an array of VaultChange")
            .and_then(|changes| changes.into_iter().map(parse_change).collect())
            .map(|changes: Vec<Change>| self.run(env, move |vault| vault.write(changes), |()| ()));
        or_rejected(env, begun)
    }

    /// Calls `listener` with the keys that change from now on, in this and in any other process. Returns a function that stops
    /// it. Listening does not keep the process alive.
    ///
    /// Throws `ERR_INVALID_ARGUMENT`, `ERR_VAULT_CLOSED`, `ERR_VAULT_IO` when the directory cannot be watched.
    #[napi(catch_unwind, ts_return_type = "() => void")]
    pub fn on_change<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "(keys: Array<string>) => void")] listener: Argument<Listener<'env>>,
    ) -> Result<Function<'env, (), ()>> {
        listen(env, listener, || self.vault.subscribe(), |keys| keys)
    }

    /// Seals the vault with a new key, and forgets the old one. A crash at any moment leaves it readable.
    ///
    /// A keychain that fails when it should forget the old key does so at the next opening, sign-in or rotation.
    ///
    /// Rejects as `delete` does, and with the keychain's errors when it does not take the new key; nothing was changed then.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn rotate_key<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        self.run(env, move |vault| vault.rotate_key(), |()| ())
    }

    /// Replaces the passphrase that protects the vault, and the key with it.
    ///
    /// Rejects as `delete` does, and with `ERR_PROTECTION_MISMATCH` when the OS keychain protects the vault.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn change_passphrase<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] passphrase: Argument<Text>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let begun = parse_passphrase(passphrase).map(|passphrase| {
            self.run(
                env,
                move |vault| vault.change_passphrase(passphrase),
                |()| (),
            )
        });
        or_rejected(env, begun)
    }

    /// A copy of everything in the vault, sessions included, sealed with a passphrase, for `Vault.recover`.
    ///
    /// Rejects as `get` does.
    #[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
    pub fn export_recovery<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "string")] passphrase: Argument<Text>,
    ) -> Result<PromiseRaw<'env, Buffer>> {
        let begun = parse_passphrase(passphrase).map(|passphrase| {
            self.run(
                env,
                move |vault| vault.export_recovery(&passphrase),
                |copy| copy.into(),
            )
        });
        or_rejected(env, begun)
    }

    /// Destroys the vault: its file, then its key; and closes it.
    ///
    /// Rejects with `ERR_VAULT_CLOSED`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`, and the keychain's errors when the key could not be
    /// removed; the file is gone then, and the key opens nothing.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn wipe<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        self.run(env, move |vault| vault.wipe(), |()| ())
    }

    /// What protects this vault.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn protection(&self) -> Protection {
        Protection::of(&self.vault)
    }

    /// Closes the vault and wipes its values from memory. Calls after this reject with `ERR_VAULT_CLOSED`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<PromiseRaw<'env, ()>> {
        self.run(
            env,
            |vault| {
                vault.close();
                Ok(())
            },
            |()| (),
        )
    }
}

/// The passphrase source in a sentence, as [`Backend::description`] has it for keychains.
const PASSPHRASE_DESCRIPTION: &str = "The key is derived from a passphrase with Argon2id. It is as strong as the passphrase, and nothing on this computer remembers it.";

pub(super) fn parse_options(
    options: VaultOptions,
) -> crate::Result<(vault::VaultOptions, KeySource)> {
    let source = match options.keychain {
        Some(Either::B(Passphrase { passphrase })) => {
            KeySource::passphrase(SecretString::new(passphrase.0))
        }
        Some(Either::A(name)) if name != "os" => {
            return Err(crate::Error::InvalidArgument(
                "keychain must be 'os' or { passphrase }.".to_owned(),
            ));
        }
        _ => {
            let given = options.keychain_timeout_ms;
            let deadline = parse_millis("keychainTimeoutMs", given, KEYCHAIN_TIMEOUT)?;
            KeySource::keychain(Deadline::new(OsKeychain::new(), deadline))
        }
    };
    let opening = vault::VaultOptions {
        path: options.path.map(Into::into),
        lock_timeout: parse_millis("lockTimeoutMs", options.lock_timeout_ms, LOCK_TIMEOUT)?,
        allow_rollback: options.allow_rollback.unwrap_or(false),
        ..vault::VaultOptions::new(options.id)
    };
    Ok((opening, source))
}

fn parse_passphrase(passphrase: Argument<Text>) -> crate::Result<SecretString> {
    passphrase
        .parse("passphrase", "a string of whole Unicode characters")
        .map(|passphrase| SecretString::new(passphrase.0))
}

fn parse_change(change: VaultChange) -> crate::Result<Change> {
    let ttl = change.ttl_ms.map(parse_ttl).transpose()?;
    let key = change.key.0;
    let value = match change.value {
        Either3::A(text) => to_value(Either::A(text)),
        Either3::B(bytes) => to_value(Either::B(bytes)),
        Either3::C(Null) => return Ok(Change::Delete { key }),
    };
    Ok(Change::Set { key, value, ttl })
}

fn to_value(value: Either<Text, Uint8Array>) -> Value {
    match value {
        Either::A(text) => Value::Text(SecretString::new(text.0)),
        Either::B(bytes) => Value::Bytes(SecretBytes::new(bytes.to_vec())),
    }
}

fn parse_key(key: Argument<Text>) -> crate::Result<String> {
    key.parse("key", "a string of whole Unicode characters")
        .map(|key| key.0)
}

fn to_js(value: Value) -> Either<String, Buffer> {
    match value {
        Value::Text(text) => Either::A(text.expose().to_owned()),
        Value::Bytes(bytes) => Either::B(bytes.expose().to_vec().into()),
    }
}

/// A value straight from the vault's memory into JavaScript's.
fn copy_to_js<'env>(
    env: &'env Env,
    stored: Option<StoredValue<'_>>,
) -> Result<Option<Unknown<'env>>> {
    Ok(match stored {
        None => None,
        // Most tokens: no decoding.
        Some(StoredValue::Text(text)) if text.is_ascii() => {
            Some(env.create_string_latin1(text)?.to_unknown())
        }
        Some(StoredValue::Text(text)) => {
            let text = String::from_utf8_lossy(text);
            Some(env.create_string(text)?.to_unknown())
        }
        Some(StoredValue::Bytes(bytes)) => Some(BufferSlice::copy_from(env, bytes)?.to_unknown()),
    })
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
