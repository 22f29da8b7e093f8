//! From options to an open vault: what is asked, what is written, and in which order.
#![forbid(unsafe_code)]

use super::batch::Op;
use super::contents::Contents;
use super::lock::LockFile;
use super::log::{AppendError, Log, Place, Tail, Unread};
use super::options::{Protection, VaultOptions};
use super::root_key::{KeySource, Keys, RootKey};
use super::shared::{Inner, Writer};
use super::slot::Slot;
use super::watch::Listeners;
use crate::{Error, Result};
use std::sync::{Arc, Mutex, RwLock};

const FILE_NAME: &str = "vault.latchkey";
const LOCK_NAME: &str = "vault.lock";

/// Opens the file, or makes one. With `recovered` contents a copy of a file that is there is kept aside first.
pub(super) fn open(
    options: VaultOptions,
    source: KeySource,
    recovered: Option<Contents>,
) -> Result<Inner> {
    let vault_id = options.vault_id()?;
    let dir = options.dir()?;
    let mut keys = Keys::new(source, &vault_id);
    let place = Place {
        disk: Arc::clone(&options.disk),
        path: dir.join(FILE_NAME),
        vault_id,
    };
    // The keys before a directory or a lock file is made: beside what cannot be unlocked nothing is touched. The header
    // before the keys: it says which ones to ask for, and each question may be a prompt.
    let mut slot = Slot::of(&dir)?;
    let mut known = None;
    if recovered.is_some() {
        slot = slot_in_place(&place)?.unwrap_or(slot);
    } else {
        known = unlock_in_place(&place, &mut keys)?;
    }
    if known.is_none() {
        keys.ask(slot)?;
    }
    place
        .disk
        .create_dir(&dir)
        .map_err(Error::vault_io("make the vault's directory"))?;
    let lock = LockFile::open(&dir.join(LOCK_NAME))?;
    let guard = lock.acquire(options.lock_timeout)?;
    let now_ms = options.clock.now_ms();
    let (writer, contents, tail) = match recovered {
        Some(contents) => {
            // The key first: when the keychain fails now, nothing was touched.
            keys.begin(slot)?;
            keep_aside(&place)?;
            create(&place, keys, slot, contents, now_ms)?
        }
        // Another process may have made or replaced the file since: under the lock, look again.
        None => match place.read()? {
            Some(unread) => {
                let known = known.filter(|root| unread.header.is_sealed_by(root));
                let root = match known {
                    Some(root) => root,
                    None => keys.unlock(&unread.header)?,
                };
                open_file(&place, unread, root, keys, options.allow_rollback)?
            }
            None => create(&place, keys, slot, Contents::default(), now_ms)?,
        },
    };
    drop(guard);
    Ok(Inner {
        protection: Protection {
            backend: writer.keys.backend(),
            path: place.path.clone(),
        },
        place,
        lock_timeout: options.lock_timeout,
        clock: options.clock,
        lock,
        seen: RwLock::new(Some(writer.log.stat())),
        writer: Mutex::new(Some(writer)),
        contents: RwLock::new(contents),
        listeners: Listeners::default(),
        found_torn: tail == Tail::Torn,
    })
}

/// The key of the file in place; `None` when there is no file.
fn unlock_in_place(place: &Place, keys: &mut Keys) -> Result<Option<RootKey>> {
    let mut found = place.read()?;
    while let Some(unread) = found {
        match keys.unlock(&unread.header) {
            Err(error @ (Error::KeyInvalid(_) | Error::KeyMissing { .. })) => {
                // Between the look at the file and the one at the keychain another process may have replaced both.
                found = place.read()?;
                if found
                    .as_ref()
                    .is_some_and(|now| now.header == unread.header)
                {
                    return Err(error);
                }
            }
            unlocked => return unlocked.map(Some),
        }
    }
    Ok(None)
}

/// The slot of the file that a recovery is about to replace, where its header tells: the new file is of the same vault.
fn slot_in_place(place: &Place) -> Result<Option<Slot>> {
    match place.read() {
        Ok(found) => Ok(found.and_then(|unread| unread.header.slot())),
        // A damaged file is what a recovery is for.
        Err(Error::VaultCorrupt(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads a file under the lock, repairs its tail, and compares its generation with the keychain's.
fn open_file(
    place: &Place,
    unread: Unread,
    root: RootKey,
    mut keys: Keys,
    allow_rollback: bool,
) -> Result<(Writer, Contents, Tail)> {
    let mut contents = Contents::default();
    let (mut log, tail) = unread.replay(place, &root, &mut contents)?;
    if tail == Tail::Torn {
        log.cut_torn_tail()?;
    }
    log.settle(place)?;
    let generation = contents.generation();
    match keys.anchor() {
        Some(anchor) if generation < anchor => {
            if !allow_rollback {
                return Err(Error::VaultRolledBack);
            }
            let next = Op::Generation(anchor + 1);
            match log.append(std::slice::from_ref(&next)) {
                Ok(()) => contents.apply(next),
                Err(AppendError::NotWritten(error) | AppendError::NotSynced(error)) => {
                    return Err(error);
                }
            }
            keys.anchor_at(&root, anchor + 1)?;
        }
        // The process that wrote the file died, or was locked out, before it could say so to the keychain.
        Some(anchor) if generation > anchor => keys.anchor_at(&root, generation)?,
        _ => {}
    }
    Ok((Writer { log, root, keys }, contents, tail))
}

/// Makes a file that does not exist, newer than any that did.
fn create(
    place: &Place,
    mut keys: Keys,
    slot: Slot,
    mut contents: Contents,
    now_ms: u64,
) -> Result<(Writer, Contents, Tail)> {
    // The directory may be the work of a process that died before it made its name durable. Best effort: whoever may
    // enter the parent may not be allowed to open it.
    if let Some(parent) = place.path.parent().and_then(std::path::Path::parent) {
        let _ = place.disk.sync_dir(parent);
    }
    let root = keys.begin(slot)?;
    let generation = keys.anchor().unwrap_or(0).max(contents.generation()) + 1;
    contents.apply(Op::Generation(generation));
    let log = Log::create(place, &root, &contents, now_ms)?;
    keys.anchor_at(&root, generation)?;
    Ok((Writer { log, root, keys }, contents, Tail::Clean))
}

/// Keeps a copy of the file that a recovered one will replace, under the first free name beside it. A copy, so that there is
/// no moment without a file: an opening at that moment would make an empty vault.
fn keep_aside(place: &Place) -> Result<()> {
    let io = |error| Error::vault_io("keep a copy of the old vault file")(error);
    let disk = &*place.disk;
    if disk.stat(&place.path).map_err(io)?.is_none() {
        return Ok(());
    }
    let old = disk
        .open(&place.path)
        .and_then(|mut file| file.read_from(0))
        .map_err(io)?;
    let mut number = 1;
    let mut copy = loop {
        match disk.create(&place.path.with_extension(format!("replaced-{number}"))) {
            Ok(copy) => break copy,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(io(error)),
        }
    };
    copy.write_at(0, &old)
        .and_then(|()| copy.sync())
        .map_err(io)
}
