//! Where an entry goes: into a `Store`, or to a key of the vault.
//!
//! A `Store` has one record for each top-level member, `v`, NUL and the key: its order, a space, and JSON. The record `m`
//! holds what it remembers about migrations, and says that the store was written before. docs/format.md has them all.
#![forbid(unsafe_code)]

use crate::secret::{SecretBytes, SecretString};
use crate::vault::{Edit, OnDisk, Records, Value};
use std::collections::HashMap;

/// A place in the vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A key that the application reads with `Vault.get`.
    Key(String),
    /// A member of the `Store` with this name.
    Member { store: String, member: String },
    /// What the `Store` with this name remembers about migrations.
    Bookkeeping { store: String },
}

/// The vault's values, from memory or from the disk.
pub(crate) trait Stored {
    fn app(&self, key: &str) -> Option<Value>;
    fn record(&self, key: &str) -> Option<Value>;
}

impl Stored for Records<'_> {
    fn app(&self, key: &str) -> Option<Value> {
        self.app(key)
    }

    fn record(&self, key: &str) -> Option<Value> {
        self.get(key)
    }
}

impl Stored for OnDisk {
    fn app(&self, key: &str) -> Option<Value> {
        self.app(key)
    }

    fn record(&self, key: &str) -> Option<Value> {
        self.record(key)
    }
}

impl Destination {
    /// What stands there.
    pub(crate) fn find(&self, stored: &dyn Stored) -> Option<Value> {
        match self {
            Self::Key(key) => stored.app(key),
            Self::Member { store, member } => match stored.record(&member_record(store, member))? {
                Value::Text(text) => {
                    let (_order, json) = text.expose().split_once(' ')?;
                    Some(Value::Text(SecretString::new(json.to_owned())))
                }
                other @ Value::Bytes(_) => Some(other),
            },
            Self::Bookkeeping { store } => stored.record(&bookkeeping_record(store)),
        }
    }
}

/// Changes of one vault, with the members of a `Store` in the order in which they come.
pub(crate) struct Puts<'a> {
    records: &'a Records<'a>,
    edit: Edit,
    /// The order that the next new member of a store gets.
    orders: HashMap<String, u64>,
}

impl<'a> Puts<'a> {
    pub(crate) fn new(records: &'a Records<'a>) -> Self {
        Self {
            records,
            edit: Edit::default(),
            orders: HashMap::new(),
        }
    }

    pub(crate) fn put(&mut self, destination: &Destination, value: &Value) {
        let edit = std::mem::take(&mut self.edit);
        self.edit = match destination {
            Destination::Key(key) => edit.put_app(key, copy(value)),
            Destination::Bookkeeping { store } => edit.put(&bookkeeping_record(store), copy(value)),
            Destination::Member { store, member } => {
                let record = member_record(store, member);
                let order = order_of(self.records.get(&record)).unwrap_or_else(|| self.next(store));
                let json = match value {
                    Value::Text(json) => json.expose(),
                    Value::Bytes(_) => unreachable!("a member is JSON"),
                };
                let text = SecretString::new(format!("{order} {json}"));
                edit.put(&record, Value::Text(text))
            }
        };
    }

    /// The changes, with one more record. A store that has its first members now counts as written.
    pub(crate) fn finish(self, record: &str, value: Value) -> Edit {
        let begun = self.orders.into_keys();
        let edit = begun.fold(self.edit, |edit, store| {
            let record = bookkeeping_record(&store);
            if self.records.get(&record).is_some() || edit.puts(&record) {
                return edit;
            }
            edit.put(&record, Value::Text(SecretString::new("{}".to_owned())))
        });
        edit.put(record, value)
    }

    fn next(&mut self, store: &str) -> u64 {
        let records = self.records;
        let next = self.orders.entry(store.to_owned()).or_insert_with(|| {
            let members = records.since(&member_record(store, ""), None).records;
            let orders = members
                .into_iter()
                .filter_map(|member| order_of(member.value));
            orders.max().map_or(0, |last| last + 1)
        });
        *next += 1;
        *next - 1
    }
}

fn order_of(value: Option<Value>) -> Option<u64> {
    match value? {
        Value::Text(text) => text.expose().split_once(' ')?.0.parse().ok(),
        Value::Bytes(_) => None,
    }
}

fn member_record(store: &str, member: &str) -> String {
    format!("store\0{store}\0v\0{member}")
}

fn bookkeeping_record(store: &str) -> String {
    format!("store\0{store}\0m")
}

/// Whether two values are the same, kind and all.
pub(crate) fn is_same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Text(one), Value::Text(other)) => one == other,
        (Value::Bytes(one), Value::Bytes(other)) => one.expose() == other.expose(),
        _ => false,
    }
}

fn copy(value: &Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(SecretString::new(text.expose().to_owned())),
        Value::Bytes(bytes) => Value::Bytes(SecretBytes::new(bytes.expose().to_vec())),
    }
}
