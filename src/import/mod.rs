//! Moves what an application keeps today into a vault.
//!
//! | file | what it holds |
//! |---|---|
//! | [`source`] | what can be imported; reading it |
//! | [`conf`], `local_state` | the formats: pure functions on bytes. That of Electron is in [`safe_storage`](crate::safe_storage) |
//! | [`keyrings`], `kwallet` | what other programs have put into the system's keyrings |
//! | `members` | JSON whose values stay as they were written |
//! | `destination` | where an entry goes |
//! | `ledger` | what was imported before |
//! | `original` | the file, which is put aside and never deleted |
//! | [`report`] | what was done |
//!
//! In this order, for each source: read and open everything; one write to the vault with the values and a record of what
//! they were; the vault's file read again from the disk and compared; the source renamed. A process that dies in between
//! leaves either nothing done, or the write, and the next import goes on from there.
#![forbid(unsafe_code)]

pub mod conf;
mod destination;
pub mod keyrings;
#[cfg(target_os = "linux")]
mod kwallet;
mod ledger;
#[cfg(any(windows, test))]
mod local_state;
mod members;
mod original;
pub mod report;
pub mod source;

use crate::safe_storage::current_key;
use crate::vault::{Records, Vault};
use crate::{Error, Result};
use destination::{Puts, Stored, is_same};
use keyrings::Keyrings;
use ledger::Ledger;
use original::PutAside;
use report::{Entry, Renamed, Report, Status};
use source::{Found, Means, Reading, Source};

/// How to import.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// Only report what would be done: nothing is written and nothing renamed.
    pub dry_run: bool,
    /// Whether a value of the source takes the place of another one that the vault has there. Default false: the vault's
    /// stays, since it may be newer.
    pub replace: bool,
}

/// Imports the sources, one after the other. May be called again at any time: what was imported is not imported twice, and
/// what the application has deleted since does not come back.
///
/// # Errors
/// `ERR_INVALID_ARGUMENT`; `ERR_IMPORT_SOURCE` for a source that is there and cannot be read, or not put aside; the
/// keychain's; `ERR_VAULT_CLOSED`, `ERR_VAULT_BUSY`, `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`, `ERR_VAULT_CORRUPT`. Every source is
/// read before the first one is stored, so an error of reading has changed nothing.
pub fn import(
    vault: &Vault,
    keyrings: &dyn Keyrings,
    sources: &[Source],
    options: ImportOptions,
) -> Result<Report> {
    let sealing_key = || current_key(vault);
    let means = Means {
        keyrings,
        sealing_key: (!options.dry_run).then_some(&sealing_key),
    };
    let read = |(index, source): (usize, &Source)| source.read(index, &means);
    let readings = sources.iter().enumerate().map(read);
    let readings = readings.collect::<Result<Vec<_>>>()?;
    let mut report = Report::default();
    for (index, reading) in readings.into_iter().enumerate() {
        take_over(vault, index, reading, options, &mut report)?;
    }
    Ok(report)
}

fn take_over(
    vault: &Vault,
    index: usize,
    reading: Reading,
    options: ImportOptions,
    report: &mut Report,
) -> Result<()> {
    let entries = store(vault, index, &reading, options)?;
    let is_any_read = !entries.is_empty();
    let is_all_damaged = !is_any_read
        && reading
            .told
            .iter()
            .any(|entry| entry.status == Status::Damaged);
    report.entries.extend(entries);
    report.entries.extend(reading.told);
    let Some(original) = reading.original else {
        return Ok(());
    };
    // A file of which nothing could be read is better where whoever can read it looks for it.
    if options.dry_run || is_all_damaged {
        return Ok(());
    }
    match original.put_aside(&**vault.disk())? {
        PutAside::To(to) => report.renamed.push(Renamed { source: index, to }),
        PutAside::Gone => {}
        PutAside::Changed => report.entries.push(Entry {
            source: index,
            key: None,
            status: Status::Skipped,
            reason: Some("the file was written to meanwhile: import again"),
        }),
    }
    Ok(())
}

/// Puts what was found into the vault, in one step, and reads it back from the disk.
fn store(
    vault: &Vault,
    index: usize,
    reading: &Reading,
    options: ImportOptions,
) -> Result<Vec<Entry>> {
    let mut entries = Vec::with_capacity(reading.found.len());
    let mut written: Vec<&Found> = Vec::new();
    let (kind, name) = &reading.ledger;
    let record = Ledger::record(kind, name);
    vault.edit_records(|records: &Records<'_>| {
        let mut ledger = Ledger::decode(records.get(&record))?;
        let mut puts = Puts::new(records);
        let mut is_noted = false;
        for found in &reading.found {
            let (status, reason) = judge(records, &ledger, found, options);
            if status == Status::Imported {
                puts.put(&found.destination, &found.value);
                written.push(found);
            }
            if reason != Some(ANOTHER) {
                is_noted |= ledger.note(&found.key, found.original.expose());
            }
            entries.push(Entry {
                source: index,
                key: Some(found.key.clone()),
                status,
                reason,
            });
        }
        if options.dry_run || !is_noted {
            return Ok(None);
        }
        Ok(Some(puts.finish(&record, ledger.encode()?)))
    })?;
    if !options.dry_run && !written.is_empty() {
        read_back(vault, &written)?;
    }
    Ok(entries)
}

const BEFORE: &str = "it was imported before";
const SAME: &str = "the vault has the same value";
const ANOTHER: &str = "the vault has another value";

fn judge(
    records: &Records<'_>,
    ledger: &Ledger,
    found: &Found,
    options: ImportOptions,
) -> (Status, Option<&'static str>) {
    if ledger.has(&found.key, found.original.expose()) {
        return (Status::Present, Some(BEFORE));
    }
    match found.destination.find(records) {
        Some(stored) if is_same(&stored, &found.value) => (Status::Present, Some(SAME)),
        Some(_) if !options.replace => (Status::Present, Some(ANOTHER)),
        _ => (Status::Imported, None),
    }
}

/// Compares what was written with what the file on the disk holds now.
fn read_back(vault: &Vault, written: &[&Found]) -> Result<()> {
    vault.read_back(|disk, memory| {
        let is_at = |stored: &dyn Stored, found: &Found| {
            let stored = found.destination.find(stored);
            stored.is_some_and(|stored| is_same(&stored, &found.value))
        };
        // Where memory, which has caught up, holds something else too, another process has changed the value since.
        let holds = |found: &&Found| is_at(disk, found) || !is_at(memory, found);
        if written.iter().all(holds) {
            return Ok(());
        }
        Err(Error::VaultIo {
            action: "read back what was imported",
            reason: "the file holds something else".to_owned(),
        })
    })
}
