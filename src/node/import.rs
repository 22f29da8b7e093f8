//! `importFrom` for JavaScript.

use super::argument::{Argument, parse_millis};
use super::error::to_js;
use super::process;
use super::promise::{or_rejected, promise_blocking};
use super::sync_vault::SyncVault;
use super::vault::Vault;
use crate::import::conf::{Algorithm, Encryption};
use crate::import::keyrings::{ElectronApp, OsKeyrings};
use crate::import::report::Report;
use crate::import::source::{KeytarService, Map, Sealed, Source, StoreFile};
use crate::import::{self};
use crate::secret::SecretBytes;
use crate::{Error, vault};
use napi::bindgen_prelude::{ClassInstance, Either, Env, PromiseRaw, Result, Uint8Array};
use napi_derive::napi;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

const KEYCHAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Something to import. Which fields there are depends on `type`.
#[napi(object, object_to_js = false)]
pub struct ImportSource {
    /// The kind of source: `electron-store` is a file of electron-store or conf, of any version; `keytar` is what keytar keeps
    /// under a service.
    #[napi(js_name = "type", ts_type = "'electron-store' | 'keytar'")]
    pub kind: String,
    /// `electron-store`: the file, absolute: `path.join(app.getPath('userData'), 'config.json')` unless the app says
    /// otherwise.
    pub path: Option<String>,
    /// `electron-store`: the option `encryptionKey`, where the app has one.
    #[napi(ts_type = "string | Uint8Array")]
    pub encryption_key: Option<Either<String, Uint8Array>>,
    /// `electron-store`: the option `encryptionAlgorithm` of conf 15 and 16. Default `aes-256-cbc`, as there; it also reads
    /// the forms that older versions wrote, and plain files.
    #[napi(ts_type = "'aes-256-cbc' | 'aes-256-gcm' | 'aes-256-ctr'")]
    pub encryption_algorithm: Option<String>,
    /// `electron-store`: the `Store` that the members go to, by the file it stands for, relative to
    /// `app.getPath('userData')`: `config.json`, or `more/settings.json` for one with `cwd: 'more'`. Default: the file's name.
    pub store: Option<String>,
    /// `electron-store`: what becomes of strings and Buffers that Electron's `safeStorage` sealed. `open`: stored as plain
    /// strings, which the vault seals. `reseal`: sealed by Latchkey's `safeStorage` and spelled as before, for code that goes
    /// on calling `decryptString`. `keep`: left as they are. Default `open` with `app`, otherwise `keep`.
    #[napi(ts_type = "'open' | 'reseal' | 'keep'")]
    pub sealed: Option<String>,
    /// `electron-store`: the name of the app that sealed, `app.getName()`: its item in the keyring is found by it.
    pub app: Option<String>,
    /// `electron-store`, on Windows: the file `Local State` in `app.getPath('userData')`, which holds Electron's key.
    pub local_state: Option<String>,
    /// `keytar`: the service.
    pub service: Option<String>,
    /// `keytar`: the accounts. Default all; on Windows they have to be named.
    pub accounts: Option<Vec<String>>,
    /// Where entries go that do not go where the others go: by the name of a top-level member, or of an account, to a key of
    /// the vault; `null` leaves it out. Without it members go to the `Store`, and passwords to the key `service/account`.
    #[napi(ts_type = "Record<string, string | null>")]
    pub map: Option<HashMap<String, Option<String>>>,
}

/// What to import, and where to.
#[napi(object, object_to_js = false)]
pub struct ImportOptions<'env> {
    /// The vault that the values go to.
    #[napi(ts_type = "Vault | SyncVault")]
    pub vault: Either<ClassInstance<'env, Vault>, ClassInstance<'env, SyncVault>>,
    /// What is imported, one after the other.
    pub sources: Vec<ImportSource>,
    /// Whether only to report what would be done: nothing is written, nothing renamed. Default false.
    pub dry_run: Option<bool>,
    /// Whether a value of the source takes the place of another one that the vault has there. Default false: the vault's
    /// stays, since it may be newer.
    pub replace: Option<bool>,
    /// How long one question to a keyring may take, in milliseconds, prompts included. Default 30000.
    pub keychain_timeout_ms: Option<f64>,
}

/// What became of one entry. Never holds a value.
#[napi(object, use_nullable = true)]
#[derive(Debug)]
pub struct ImportEntry {
    /// The source's place in `sources`, from 0.
    pub source: u32,
    /// The entry's name: a top-level member (for a damaged value inside it, its path with dots), or an account; `null` for the
    /// source as a whole.
    pub key: Option<String>,
    /// `imported`: it is in the vault, read back from the disk (in a dry run: it would be). `present`: it was imported before,
    /// or the vault has a value there. `damaged`: it cannot be read. `skipped`: the map leaves it out, or there is nothing.
    #[napi(ts_type = "'imported' | 'present' | 'damaged' | 'skipped'")]
    pub status: String,
    /// Why, in a few words for a log, where that is not plain.
    pub reason: Option<String>,
}

/// A file that was put aside. It is never deleted: that is the application's to do.
#[napi(object)]
#[derive(Debug)]
pub struct ImportRenamed {
    /// The source's place in `sources`, from 0.
    pub source: u32,
    /// The file's new path, such as `config.json.imported`.
    pub to: String,
}

/// What an import did, or would do.
#[napi(object)]
#[derive(Debug)]
pub struct ImportReport {
    /// Every entry of every source.
    pub entries: Vec<ImportEntry>,
    /// The files that were put aside.
    pub renamed: Vec<ImportRenamed>,
}

/// Moves what an app keeps today into a vault: files of electron-store and conf, what Electron's `safeStorage` sealed inside
/// them, and keytar's entries. May be called at every start: what was imported is not imported twice, what the app has deleted
/// since does not come back, and an import that was killed goes on where it was.
///
/// Every source is read before anything is written. The values of a source are one durable write, read back from the disk and
/// compared; only then is its file renamed. keytar's entries stay where they are. A value that cannot be read is reported and
/// the rest imported.
///
/// Rejects with `ERR_INVALID_ARGUMENT`, `ERR_WRONG_PROCESS`, `ERR_IMPORT_SOURCE`; a keyring's `ERR_KEYCHAIN_UNAVAILABLE`,
/// `ERR_KEYCHAIN_LOCKED`, `ERR_KEYCHAIN_DENIED`, `ERR_KEYCHAIN_TIMEOUT`, `ERR_KEYCHAIN_FAILED`; `ERR_VAULT_CLOSED`,
/// `ERR_VAULT_BUSY`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`, `ERR_VAULT_CORRUPT`.
#[napi(catch_unwind, ts_return_type = "Promise<ImportReport>")]
pub fn import_from<'env>(
    env: &'env Env,
    #[napi(ts_arg_type = "ImportOptions")] options: Argument<ImportOptions<'env>>,
) -> Result<PromiseRaw<'env, ImportReport>> {
    let begun = Import::parse(env, options).map(|import| {
        promise_blocking(env, move || import.run(), |_, report| Ok(to_report(report)))
    });
    or_rejected(env, begun)
}

/// As `importFrom`, and blocks until it is done: for apps that make a `Store` while their modules load.
///
/// Throws what `importFrom` rejects with.
#[napi(catch_unwind)]
pub fn import_from_sync<'env>(
    env: &'env Env,
    #[napi(ts_arg_type = "ImportOptions")] options: Argument<ImportOptions<'env>>,
) -> Result<ImportReport> {
    Import::parse(env, options)
        .and_then(Import::run)
        .map(to_report)
        .map_err(|error| to_js(env, &error))
}

struct Import {
    vault: vault::Vault,
    keyrings: OsKeyrings,
    sources: Vec<Source>,
    options: import::ImportOptions,
}

impl Import {
    fn parse(env: &Env, options: Argument<ImportOptions<'_>>) -> crate::Result<Self> {
        process::check(env)?;
        let options = options.parse("options", "ImportOptions")?;
        let given = options.keychain_timeout_ms;
        Ok(Self {
            vault: match &options.vault {
                Either::A(vault) => vault.vault.clone(),
                Either::B(vault) => vault.vault.clone(),
            },
            keyrings: OsKeyrings {
                limit: parse_millis("keychainTimeoutMs", given, KEYCHAIN_TIMEOUT)?,
            },
            sources: options
                .sources
                .into_iter()
                .map(parse_source)
                .collect::<crate::Result<_>>()?,
            options: import::ImportOptions {
                dry_run: options.dry_run.unwrap_or(false),
                replace: options.replace.unwrap_or(false),
            },
        })
    }

    fn run(self) -> crate::Result<Report> {
        import::import(&self.vault, &self.keyrings, &self.sources, self.options)
    }
}

fn parse_source(source: ImportSource) -> crate::Result<Source> {
    let map: Map = source.map.clone().unwrap_or_default();
    match source.kind.as_str() {
        "electron-store" => {
            let path = PathBuf::from(required("path", source.path.as_deref())?);
            Ok(Source::ElectronStore(StoreFile {
                encryption: parse_encryption(&source)?,
                sealed: parse_sealed(&source)?,
                store: match source.store {
                    Some(store) => store,
                    None => path
                        .file_name()
                        .and_then(|name| name.to_str())
                        .ok_or_else(|| invalid("store must be given: path names no file."))?
                        .to_owned(),
                },
                path,
                map,
            }))
        }
        "keytar" => Ok(Source::Keytar(KeytarService {
            service: required("service", source.service.as_deref())?.to_owned(),
            accounts: source.accounts.unwrap_or_default(),
            map,
        })),
        _ => Err(invalid("type must be 'electron-store' or 'keytar'.")),
    }
}

fn parse_encryption(source: &ImportSource) -> crate::Result<Option<Encryption>> {
    let algorithm = match source.encryption_algorithm.as_deref() {
        None | Some("aes-256-cbc") => Algorithm::Aes256Cbc,
        Some("aes-256-gcm") => Algorithm::Aes256Gcm,
        Some("aes-256-ctr") => Algorithm::Aes256Ctr,
        Some(_) => {
            return Err(invalid(
                "encryptionAlgorithm must be 'aes-256-cbc', 'aes-256-gcm' or 'aes-256-ctr'.",
            ));
        }
    };
    Ok(source.encryption_key.as_ref().map(|key| Encryption {
        key: SecretBytes::new(match key {
            Either::A(text) => text.as_bytes().to_vec(),
            Either::B(bytes) => bytes.to_vec(),
        }),
        algorithm,
    }))
}

fn parse_sealed(source: &ImportSource) -> crate::Result<Sealed> {
    let app = source.app.clone().map(|name| ElectronApp {
        name,
        local_state: source.local_state.clone().map(PathBuf::from),
    });
    match (source.sealed.as_deref(), app) {
        (Some("keep"), _) | (None, None) => Ok(Sealed::Keep),
        (Some("open") | None, Some(app)) => Ok(Sealed::Open(app)),
        (Some("reseal"), Some(app)) => Ok(Sealed::Reseal(app)),
        (Some("open" | "reseal"), None) => Err(invalid("sealed needs app, the app's name.")),
        _ => Err(invalid("sealed must be 'open', 'reseal' or 'keep'.")),
    }
}

fn required<'a>(name: &str, given: Option<&'a str>) -> crate::Result<&'a str> {
    given.ok_or_else(|| Error::InvalidArgument(format!("{name} must be a string.")))
}

fn invalid(message: &str) -> Error {
    Error::InvalidArgument(message.to_owned())
}

fn to_report(report: Report) -> ImportReport {
    let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    ImportReport {
        entries: report
            .entries
            .into_iter()
            .map(|entry| ImportEntry {
                source: number(entry.source),
                key: entry.key,
                status: entry.status.name().to_owned(),
                reason: entry.reason.map(str::to_owned),
            })
            .collect(),
        renamed: report
            .renamed
            .into_iter()
            .map(|renamed| ImportRenamed {
                source: number(renamed.source),
                to: renamed.to.display().to_string(),
            })
            .collect(),
    }
}
