//! What stands behind `Store`, the drop-in for electron-store: its records in a vault, and its JSON Schema.
//!
//! | file | what it holds |
//! |---|---|
//! | [`records`] | the records of one store: read, followed, and edited in one frame |
//! | [`schema`] | a compiled JSON Schema, and what breaks it |
//! | [`formats`] | the formats that it checks |
//! | [`violation`] | what is broken, in words that hold no value |
#![forbid(unsafe_code)]

mod formats;
mod records;
mod schema;
mod violation;

pub use records::{Record, StoreRecords, Update};
pub use schema::Schema;
