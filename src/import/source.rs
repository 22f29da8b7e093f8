//! What can be imported, and how it is read: entries with a place each, nothing changed anywhere.
#![forbid(unsafe_code)]

use super::conf::{self, Encryption};
use super::destination::Destination;
use super::keyrings::{ElectronApp, Keyrings, KeytarEntry};
use super::members::{Leaf, Members, Rewritten, Verdict, Walk};
use super::original::Original;
use super::report::{Entry, Status};
use crate::safe_storage::chromium::{ChromiumKeys, Spelling, Unopened, spelled};
use crate::safe_storage::{SealingKey, seal_with};
use crate::secret::{SecretBytes, SecretString};
use crate::vault::Value;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::path::PathBuf;

/// Where entries go: by their name, to a key of the vault, or nowhere.
pub type Map = HashMap<String, Option<String>>;

/// Something to import.
#[derive(Debug)]
#[non_exhaustive]
pub enum Source {
    /// A file of `electron-store` or `conf`.
    ElectronStore(StoreFile),
    /// What `keytar` keeps under a service.
    Keytar(KeytarService),
}

/// A file of `electron-store` or `conf`.
#[derive(Debug)]
pub struct StoreFile {
    /// The file, absolute.
    pub path: PathBuf,
    /// How it is encrypted; `None` for plain JSON.
    pub encryption: Option<Encryption>,
    /// The `Store` that its members go to, by the file it stands for: relative to `userData`, such as `config.json`.
    pub store: String,
    /// What becomes of strings that Electron's `safeStorage` sealed.
    pub sealed: Sealed,
    /// Top-level members that go elsewhere: to a key of the vault (a string as it is, anything else as JSON), or nowhere.
    pub map: Map,
}

/// What becomes of strings and Buffers inside a file that Electron's `safeStorage` sealed.
#[derive(Debug)]
pub enum Sealed {
    /// They stay as they are: `safeStorage` of Latchkey reads them.
    Keep,
    /// They are opened and stored as plain strings. The vault seals them.
    Open(ElectronApp),
    /// They are opened and sealed by Latchkey's `safeStorage`, spelled as before: for code that goes on calling
    /// `decryptString`.
    Reseal(ElectronApp),
}

/// What `keytar` keeps under a service.
#[derive(Debug)]
pub struct KeytarService {
    /// The service.
    pub service: String,
    /// The accounts; empty for all. On Windows they have to be named.
    pub accounts: Vec<String>,
    /// Accounts whose password goes to another key than `service/account`, or nowhere.
    pub map: Map,
}

/// One entry as its source has it.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its name in the source.
    pub(crate) key: String,
    pub(crate) destination: Destination,
    pub(crate) value: Value,
    /// Its bytes in the source, which tell the next import whether it has changed.
    pub(crate) original: SecretBytes,
}

/// A source that was read.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) found: Vec<Found>,
    /// What is to be said of entries that are not imported.
    pub(crate) told: Vec<Entry>,
    /// The file, where it is one.
    pub(crate) original: Option<Original>,
    /// What the import's record is named by.
    pub(crate) ledger: (&'static str, String),
}

/// What reading asks for when it comes to it.
pub(crate) struct Means<'a> {
    pub(crate) keyrings: &'a dyn Keyrings,
    /// Makes, or finds, the key of Latchkey's `safeStorage`. `None` in a dry run, which makes nothing.
    pub(crate) sealing_key: Option<&'a dyn Fn() -> Result<SealingKey>>,
}

impl Source {
    /// Reads all of it.
    ///
    /// # Errors
    /// `ERR_IMPORT_SOURCE`, `ERR_INVALID_ARGUMENT`, and the keychain's.
    pub(crate) fn read(&self, index: usize, means: &Means<'_>) -> Result<Reading> {
        match self {
            Self::ElectronStore(file) => file.read(index, means),
            Self::Keytar(service) => service.read(index, means),
        }
    }
}

fn told(source: usize, key: Option<&str>, status: Status, reason: &'static str) -> Entry {
    Entry {
        source,
        key: key.map(str::to_owned),
        status,
        reason: Some(reason),
    }
}

/// Where conf keeps what it remembers about migrations.
const INTERNAL: &str = "__internal__";
const LEFT_OUT: &str = "the map leaves it out";

impl StoreFile {
    fn read(&self, index: usize, means: &Means<'_>) -> Result<Reading> {
        if !self.path.is_absolute() {
            return Err(Error::InvalidArgument(
                "The path of a file to import must be absolute.".to_owned(),
            ));
        }
        let mut reading = Reading {
            found: Vec::new(),
            told: Vec::new(),
            original: None,
            ledger: ("electron-store", self.store.clone()),
        };
        let Some((original, bytes)) = Original::read(&self.path)? else {
            let why = "there is no such file";
            reading.told.push(told(index, None, Status::Skipped, why));
            return Ok(reading);
        };
        let text = conf::read(&bytes, self.encryption.as_ref());
        let Some((text, Members(members))) = text.as_ref().and_then(|t| Some((t, t.members()?)))
        else {
            let why = "no reading of it comes to JSON: another key or algorithm, or damaged";
            reading.told.push(told(index, None, Status::Damaged, why));
            return Ok(reading);
        };
        let mut unsealer = Unsealer::new(&self.sealed, means);
        for (name, value) in members {
            let mapped = self.map.get(&name);
            if name == INTERNAL && mapped.is_none() {
                reading.found.push(self.bookkeeping(name, value.get()));
                continue;
            }
            if mapped == Some(&None) {
                let entry = told(index, Some(&name), Status::Skipped, LEFT_OUT);
                reading.told.push(entry);
                continue;
            }
            if text.is_lossy && value.get().contains(char::REPLACEMENT_CHARACTER) {
                let why = "it holds bytes that are not UTF-8";
                let entry = told(index, Some(&name), Status::Damaged, why);
                reading.told.push(entry);
                continue;
            }
            let mut judge = |leaf: &Leaf<'_>| unsealer.judge(leaf);
            let mut walk = Walk {
                judge: &mut judge,
                unreadable: Vec::new(),
            };
            let json = match walk.rewrite(&name, value, 0) {
                Rewritten::Same => Some(SecretString::new(value.get().to_owned())),
                Rewritten::Json(json) => Some(json),
                Rewritten::Gone => None,
            };
            let unreadable = walk.unreadable.into_iter();
            reading.told.extend(
                unreadable.map(|(path, why)| told(index, Some(&path), Status::Damaged, why)),
            );
            if let Some(json) = json {
                reading.found.push(Found {
                    destination: match mapped {
                        Some(Some(key)) => Destination::Key(key.clone()),
                        _ => Destination::Member {
                            store: self.store.clone(),
                            member: name.clone(),
                        },
                    },
                    value: Value::Text(match mapped {
                        Some(Some(_)) => {
                            serde_json::from_str(json.expose()).map_or(json, SecretString::new)
                        }
                        _ => json,
                    }),
                    original: SecretBytes::new(value.get().as_bytes().to_vec()),
                    key: name,
                });
            }
        }
        if let Some(error) = unsealer.error {
            return Err(error);
        }
        reading.original = Some(original);
        Ok(reading)
    }

    /// What conf remembers about migrations, as `Store` does.
    fn bookkeeping(&self, key: String, json: &str) -> Found {
        #[derive(Default, Deserialize)]
        struct Internal<'a> {
            #[serde(borrow, default)]
            migrations: Option<Migrations<'a>>,
        }
        #[derive(Default, Deserialize, Serialize)]
        struct Migrations<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            version: Option<String>,
            #[serde(
                borrow,
                rename = "completedRanges",
                skip_serializing_if = "Option::is_none"
            )]
            completed_ranges: Option<&'a RawValue>,
        }
        let internal: Internal<'_> = serde_json::from_str(json).unwrap_or_default();
        let migrations = internal.migrations.unwrap_or_default();
        let bookkeeping = serde_json::to_string(&migrations).unwrap_or_else(|_| "{}".to_owned());
        Found {
            key,
            destination: Destination::Bookkeeping {
                store: self.store.clone(),
            },
            value: Value::Text(SecretString::new(bookkeeping)),
            original: SecretBytes::new(json.as_bytes().to_vec()),
        }
    }
}

/// Opens what `safeStorage` sealed. Asks for the keys once, and only when there is something to open.
struct Unsealer<'a> {
    how: &'a Sealed,
    means: &'a Means<'a>,
    keys: Option<ChromiumKeys>,
    sealing_key: Option<SealingKey>,
    /// What went wrong that is not one value's fault.
    error: Option<Error>,
}

impl<'a> Unsealer<'a> {
    fn new(how: &'a Sealed, means: &'a Means<'a>) -> Self {
        Self {
            how,
            means,
            keys: None,
            sealing_key: None,
            error: None,
        }
    }

    fn judge(&mut self, leaf: &Leaf<'_>) -> Verdict {
        let (Sealed::Open(app) | Sealed::Reseal(app)) = self.how else {
            return Verdict::Same;
        };
        let (spelling, sealed) = match leaf {
            Leaf::Text(text) => match spelled(text) {
                Some((spelling, bytes)) => (Some(spelling), bytes),
                None => return Verdict::Same,
            },
            Leaf::Buffer(bytes) if bytes.starts_with(b"v10") || bytes.starts_with(b"v11") => {
                (None, bytes.to_vec())
            }
            Leaf::Buffer(_) => return Verdict::Same,
        };
        if self.error.is_some() {
            return Verdict::Same;
        }
        match self.unseal(app, &sealed) {
            Err(error) => {
                self.error = Some(error);
                Verdict::Same
            }
            Ok(Err(why)) => Verdict::Unreadable(why.reason()),
            Ok(Ok(text)) => match self.how {
                Sealed::Reseal(_) => self.reseal(spelling, &text),
                _ => Verdict::Text(text),
            },
        }
    }

    fn unseal(
        &mut self,
        app: &ElectronApp,
        sealed: &[u8],
    ) -> Result<std::result::Result<SecretString, Unopened>> {
        // The key of v10 on Linux is in Chromium's source: it needs no keyring.
        if cfg!(target_os = "linux") && sealed.starts_with(b"v10") {
            return Ok(ChromiumKeys::Linux(Vec::new()).open(sealed));
        }
        let keys = match self.keys.take() {
            Some(keys) => keys,
            None => self.means.keyrings.chromium_keys(app)?,
        };
        let opened = keys.open(sealed);
        self.keys = Some(keys);
        Ok(opened)
    }

    fn reseal(&mut self, spelling: Option<Spelling>, text: &SecretString) -> Verdict {
        let Some(sealing_key) = self.means.sealing_key else {
            // A dry run shows that it can be opened.
            return Verdict::Same;
        };
        let sealed = (|| {
            let key = match self.sealing_key.take() {
                Some(key) => key,
                None => sealing_key()?,
            };
            let sealed = seal_with(&key, text.expose());
            self.sealing_key = Some(key);
            sealed
        })();
        match sealed {
            Ok(bytes) => match spelling {
                Some(spelling) => Verdict::Text(SecretString::new(spelling.spell(&bytes))),
                None => Verdict::Json(buffer_json(&bytes)),
            },
            Err(error) => {
                self.error = Some(error);
                Verdict::Same
            }
        }
    }
}

/// A Buffer as `JSON.stringify` writes one.
fn buffer_json(bytes: &[u8]) -> SecretString {
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    SecretString::new(format!(
        r#"{{"type":"Buffer","data":[{}]}}"#,
        numbers.join(",")
    ))
}

impl KeytarService {
    fn read(&self, index: usize, means: &Means<'_>) -> Result<Reading> {
        let mut reading = Reading {
            found: Vec::new(),
            told: Vec::new(),
            original: None,
            ledger: ("keytar", self.service.clone()),
        };
        let entries = means.keyrings.keytar(&self.service, &self.accounts)?;
        for wanted in &self.accounts {
            if !entries.iter().any(|entry| entry.account == *wanted) {
                let why = "there is no such account";
                let entry = told(index, Some(wanted), Status::Skipped, why);
                reading.told.push(entry);
            }
        }
        if entries.is_empty() && self.accounts.is_empty() {
            let why = "there is nothing under this service";
            reading.told.push(told(index, None, Status::Skipped, why));
        }
        for KeytarEntry { account, secret } in entries {
            let destination = match self.map.get(&account) {
                Some(None) => {
                    let entry = told(index, Some(&account), Status::Skipped, LEFT_OUT);
                    reading.told.push(entry);
                    continue;
                }
                Some(Some(key)) => key.clone(),
                None => format!("{}/{account}", self.service),
            };
            let value = match std::str::from_utf8(secret.expose()) {
                Ok(text) => Value::Text(SecretString::new(text.to_owned())),
                Err(_) => Value::Bytes(SecretBytes::new(secret.expose().to_vec())),
            };
            reading.found.push(Found {
                key: account,
                destination: Destination::Key(destination),
                value,
                original: secret,
            });
        }
        Ok(reading)
    }
}
