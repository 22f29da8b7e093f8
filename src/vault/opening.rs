//! From options to an open vault: what is asked, what is written, and in which order.
#![forbid(unsafe_code)]

use super::batch::Op;
use super::contents::Contents;
use super::glance::Glance;
use super::lock::{LockFile, OwnedLock};
use super::log::{AppendError, Log, Place, Tail, Unread};
use super::options::{Protection, VaultOptions};
use super::root_key::{KeySource, Keys, RootKey, Unlocked};
use super::shared::{Inner, Writer};
use super::slot::Slot;
use super::watch::Listeners;
use crate::keychain::Held;
use crate::{Error, Result};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

const FILE_NAME: &str = "vault.latchkey";
const LOCK_NAME: &str = "vault.lock";
const ITEM_LOCK_NAME: &str = "vault.key.lock";

/// Opens the file, or makes one. With `recovered` contents a copy of a file that is there is kept aside first.
pub(super) fn open(
    options: VaultOptions,
    source: KeySource,
    recovered: Option<Contents>,
) -> Result<Inner> {
    let vault_id = options.vault_id()?;
    let dir = options.dir()?;
    let keys = Keys::new(source, &vault_id);
    let mut asked = Asked::default();
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
        known = unlock_in_place(&place, &keys, &mut asked)?;
    }
    if known.is_none() {
        asked.timed(|| keys.prove(slot))?;
    }
    place
        .disk
        .create_dir(&dir)
        .map_err(Error::vault_io("make the vault's directory"))?;
    let lock = LockFile::open(&dir.join(LOCK_NAME))?;
    let item_lock = dir.join(ITEM_LOCK_NAME);
    // For a key that is to be made. Before the vault's lock, as everywhere.
    let held = match known {
        Some(_) => None,
        None => Some(Arc::new(OwnedLock::take(&item_lock, options.lock_timeout)?) as Held),
    };
    let guard = lock.acquire(options.lock_timeout)?;
    let now_ms = options.clock.now_ms();
    // Another process may have made or replaced the file since: under the lock, look again.
    let found = match recovered {
        Some(_) => None,
        None => place.read()?,
    };
    let opened = match (found, &held) {
        (Some(unread), _) => {
            let unlocked = match known {
                Some(known) if unread.header.is_sealed_by(&known.root) => known,
                _ => asked.timed(|| keys.unlock(&unread.header))?,
            };
            open_file(&place, unread, unlocked, options.allow_rollback)?
        }
        (None, Some(held)) => {
            // The key first: when the keychain fails now, nothing was touched.
            let unlocked = asked.timed(|| keys.begin(slot, held))?;
            if recovered.is_some() {
                keep_aside(&place)?;
            }
            create(&place, unlocked, recovered.unwrap_or_default(), now_ms)?
        }
        (None, None) => {
            return Err(Error::VaultIo {
                action: "open the vault file",
                reason: "it was removed meanwhile".to_owned(),
            });
        }
    };
    drop((guard, held));
    let Opened {
        log,
        root,
        contents,
        tail,
        is_ahead,
        is_older,
    } = opened;
    let inner = Inner {
        protection: Protection {
            backend: keys.backend(),
            path: place.path.clone(),
            unlocked_in: asked.0,
        },
        place,
        lock_timeout: options.lock_timeout,
        clock: options.clock,
        lock,
        item_lock,
        seen: RwLock::new(Some(log.stat())),
        glance: Glance::default(),
        writer: Mutex::new(Some(Writer { log, root, keys })),
        contents: RwLock::new(contents),
        listeners: Listeners::default(),
        found_torn: tail == Tail::Torn,
        found_older: is_older,
    };
    if is_ahead {
        inner.anchor();
    }
    Ok(inner)
}

/// How long the key's source took.
#[derive(Default)]
struct Asked(Duration);

impl Asked {
    fn timed<T>(&mut self, ask: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let answer = ask();
        self.0 += began.elapsed();
        answer
    }
}

/// A file that was read or made.
struct Opened {
    log: Log,
    root: RootKey,
    contents: Contents,
    tail: Tail,
    /// It is an old copy, which the application has allowed.
    is_older: bool,
    /// The keychain is to be told of the file's generation: it is new, or the process that wrote it died, or was locked
    /// out, before it could say so.
    is_ahead: bool,
}

/// The key of the file in place; `None` when there is no file.
fn unlock_in_place(place: &Place, keys: &Keys, asked: &mut Asked) -> Result<Option<Unlocked>> {
    let mut found = place.read()?;
    while let Some(unread) = found {
        match asked.timed(|| keys.unlock(&unread.header)) {
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
    Unlocked { root, anchor }: Unlocked,
    allow_rollback: bool,
) -> Result<Opened> {
    let mut contents = Contents::default();
    let (mut log, tail) = unread.replay(place, &root, &mut contents)?;
    if tail == Tail::Torn {
        log.cut_torn_tail()?;
    }
    log.settle(place)?;
    let older_than = anchor.filter(|anchor| contents.generation() < *anchor);
    if let Some(anchor) = older_than {
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
    }
    Ok(Opened {
        is_ahead: anchor.is_some_and(|anchor| contents.generation() > anchor),
        is_older: older_than.is_some(),
        log,
        root,
        contents,
        tail,
    })
}

/// Makes a file that does not exist, newer than any that did.
fn create(
    place: &Place,
    Unlocked { root, anchor }: Unlocked,
    mut contents: Contents,
    now_ms: u64,
) -> Result<Opened> {
    // The directory may be the work of a process that died before it made its name durable. Best effort: whoever may
    // enter the parent may not be allowed to open it.
    if let Some(parent) = place.path.parent().and_then(std::path::Path::parent) {
        let _ = place.disk.sync_dir(parent);
    }
    let generation = anchor.unwrap_or(0).max(contents.generation()) + 1;
    contents.apply(Op::Generation(generation));
    Ok(Opened {
        log: Log::create(place, &root, &contents, now_ms)?,
        root,
        contents,
        tail: Tail::Clean,
        is_ahead: true,
        is_older: false,
    })
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
