//! What `electron-latchkey/store` is made of: the records of a store, and its schema.

use super::argument::{Argument, Text};
use super::error::to_js;
use super::listener::{Listener, listen};
use super::sync_vault::SyncVault;
use crate::secret::SecretString;
use crate::store::{self, Record, Schema};
use napi::bindgen_prelude::{ClassInstance, Either, Env, Function, Null, Result};
use napi_derive::napi;

/// A record of a store.
#[napi(object, object_from_js = false)]
pub struct StoreRecord {
    /// Its name.
    pub name: String,
    /// Its text; `null` when it is gone.
    #[napi(ts_type = "string | null")]
    pub text: Either<String, Null>,
}

/// A record to write, or to remove.
#[napi(object, object_to_js = false)]
pub struct StoreChange {
    /// Its name.
    #[napi(ts_type = "string")]
    pub name: Text,
    /// Its text; `null` removes it.
    #[napi(ts_type = "string | null")]
    pub text: Either<Text, Null>,
}

/// What differs from what the caller knows.
#[napi(object, object_from_js = false)]
pub struct StoreUpdate {
    /// What to ask with the next time.
    pub version: f64,
    /// Whether `records` are all there are, and the caller forgets what it knew.
    pub is_whole: bool,
    /// Those that changed, or all.
    pub records: Vec<StoreRecord>,
}

/// The records of one store. `electron-latchkey/store` stands on it; applications use that.
#[napi]
#[derive(Debug)]
pub struct StoreRecords {
    records: store::StoreRecords,
}

#[napi]
impl StoreRecords {
    /// The records of the store with this name in `vault`.
    ///
    /// Throws `ERR_INVALID_ARGUMENT`.
    #[napi(catch_unwind)]
    pub fn of(
        env: &Env,
        #[napi(ts_arg_type = "SyncVault")] vault: Argument<ClassInstance<'_, SyncVault>>,
        #[napi(ts_arg_type = "string")] name: Argument<Text>,
    ) -> Result<StoreRecords> {
        let records = vault.parse("vault", "a SyncVault").and_then(|vault| {
            let name = name.parse("name", "a string of whole Unicode characters")?;
            store::StoreRecords::new(vault.vault.clone(), &name.0)
        });
        let records = records.map_err(|error| to_js(env, &error))?;
        Ok(Self { records })
    }

    /// What any process has written since the version `since`, all there is without one; `null` when that is nothing.
    ///
    /// Throws `ERR_VAULT_CLOSED`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`.
    #[napi(catch_unwind)]
    pub fn since(&self, env: &Env, since: Option<f64>) -> Result<Option<StoreUpdate>> {
        let update = self
            .records
            .since(since.map(to_version))
            .map_err(|error| to_js(env, &error))?;
        Ok(update.map(to_update))
    }

    /// Calls `decide` with what any process has written since the version `since`, and writes the changes that it returns, with
    /// no write of any process in between: durably, in one frame. Nothing is written for `null`, or when it throws.
    ///
    /// Returns the version that the caller then knows. `decide` must not use the vault.
    ///
    /// Throws what `decide` throws, `ERR_INVALID_ARGUMENT`, and as `since`.
    #[napi(catch_unwind, ts_return_type = "number | null")]
    pub fn edit(
        &self,
        env: &Env,
        since: Option<f64>,
        #[napi(ts_arg_type = "(update: StoreUpdate) => Array<StoreChange> | null")]
        decide: Argument<Function<'_, StoreUpdate, Argument<Option<Vec<StoreChange>>>>>,
    ) -> Result<Option<f64>> {
        let mut thrown = None;
        let edited = decide.parse("decide", "a function").and_then(|decide| {
            let since = since.map(to_version);
            self.records.edit(since, |update| {
                let changes = match decide.call(to_update(update)) {
                    Ok(changes) => changes.parse(
                        "changes",
                        "records whose names and texts are whole Unicode characters, or null",
                    )?,
                    Err(error) => {
                        thrown = Some(error);
                        None
                    }
                };
                Ok(changes.map(|changes| changes.into_iter().map(to_record).collect()))
            })
        });
        if let Some(thrown) = thrown {
            return Err(thrown);
        }
        let version = edited.map_err(|error| to_js(env, &error))?;
        Ok(version.map(from_version))
    }

    /// Calls `listener` when any process may have changed the records. Returns a function that stops it. Listening does not
    /// keep the process alive.
    ///
    /// Throws `ERR_INVALID_ARGUMENT`, `ERR_VAULT_CLOSED`, `ERR_VAULT_IO` when the directory cannot be watched.
    #[napi(catch_unwind, ts_return_type = "() => void")]
    pub fn on_change<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "() => void")] listener: Argument<Listener<'env>>,
    ) -> Result<Function<'env, (), ()>> {
        listen(env, listener, || self.records.subscribe(), |()| true)
    }
}

/// A compiled JSON Schema of draft 2020-12, as `electron-latchkey/store` checks with.
#[napi]
#[derive(Debug)]
pub struct StoreSchema {
    schema: Schema,
}

#[napi]
impl StoreSchema {
    /// Compiles a schema.
    ///
    /// Throws `ERR_INVALID_ARGUMENT` for what is no schema, and for a format that is not known.
    #[napi(catch_unwind)]
    pub fn compile(
        env: &Env,
        #[napi(ts_arg_type = "string")] json: Argument<Text>,
    ) -> Result<StoreSchema> {
        let schema = json
            .parse("json", "a string of whole Unicode characters")
            .and_then(|json| Schema::compile(&json.0));
        let schema = schema.map_err(|error| to_js(env, &error))?;
        Ok(Self { schema })
    }

    /// What in the JSON text `json` breaks the schema: a path and a rule each, never a value. Empty when nothing does.
    ///
    /// Throws `ERR_INVALID_ARGUMENT`.
    #[napi(catch_unwind)]
    pub fn violations(
        &self,
        env: &Env,
        #[napi(ts_arg_type = "string")] json: Argument<Text>,
    ) -> Result<Vec<String>> {
        json.parse("json", "a string of whole Unicode characters")
            .and_then(|json| self.schema.violations(&json.0))
            .map_err(|error| to_js(env, &error))
    }
}

fn to_update(update: store::Update) -> StoreUpdate {
    let record = |Record { name, text }| StoreRecord {
        name,
        text: match text {
            Some(text) => Either::A(text.expose().to_owned()),
            None => Either::B(Null),
        },
    };
    StoreUpdate {
        version: from_version(update.version),
        is_whole: update.is_whole,
        records: update.records.into_iter().map(record).collect(),
    }
}

fn to_record(change: StoreChange) -> Record {
    Record {
        name: change.name.0,
        text: match change.text {
            Either::A(text) => Some(SecretString::new(text.0)),
            Either::B(Null) => None,
        },
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number that this gave out; any other is one that never was"
)]
fn to_version(version: f64) -> u64 {
    version as u64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts changes of this process; 2^53 of them take centuries"
)]
fn from_version(version: u64) -> f64 {
    version as f64
}
