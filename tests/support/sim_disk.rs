//! A disk in memory that fails, stops and loses power as told.
//!
//! Files: what was synced is durable. What was not is a history of versions, of which a power cut keeps any mixture: for
//! each 512-byte sector any of its contents since the last sync, under any of the lengths the file had.
//! Names: what the directory's sync covered is durable; of a name changed since, a power cut keeps any of its states.
//! Files are durable apart from their names, as POSIX allows.
//!
//! The disk is also the keychain of its vault: what a keychain holds is durable at once and outlives processes, and the
//! calls of both are counted as one sequence, so that a process can be stopped between any two of them.

use super::choice::Choose;
use electron_latchkey::keychain::{Backend, Keychain};
use electron_latchkey::secret::SecretBytes;
use electron_latchkey::vault::disk::{Disk, DiskFile, Stat};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The unit a disk writes whole or not at all.
pub(crate) const SECTOR: usize = 512;
/// The error numbers of Linux; what they are called elsewhere does not matter to a simulation.
pub(crate) const EIO: i32 = 5;
pub(crate) const ENOSPC: i32 = 28;

/// The disk as one process sees it. All processes share what is stored; each has its own faults and its own end.
#[derive(Clone)]
pub(crate) struct SimDisk {
    storage: Arc<Mutex<Storage>>,
    process: Arc<Mutex<Process>>,
}

#[derive(Clone, Default)]
struct Storage {
    /// A file's number is its index; numbers are not used again.
    files: Vec<Versions<Vec<u8>>>,
    names: BTreeMap<PathBuf, Versions<Option<Node>>>,
    /// The keychain's, by vault id and item name.
    items: BTreeMap<(String, String), Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    File(usize),
    Dir,
}

/// What is durable, then every state since; the last is what processes see. Never empty.
#[derive(Clone)]
struct Versions<T>(Vec<T>);

impl<T: Clone + PartialEq> Versions<T> {
    fn now(&self) -> &T {
        &self.0[self.0.len() - 1]
    }

    fn change(&mut self, next: T) {
        if *self.now() != next {
            self.0.push(next);
        }
    }

    fn sync(&mut self) {
        self.0.drain(..self.0.len() - 1);
    }
}

/// One operation of a process on its disk.
#[derive(Debug, Clone)]
pub(crate) struct Op {
    /// Counts from 0 in each process.
    pub(crate) index: u64,
    /// The name of the method.
    pub(crate) name: &'static str,
}

/// What happens instead of an operation.
pub(crate) enum Fault {
    /// It fails with this error number and changes nothing.
    Error(i32),
    /// A write stores only its first half and fails; anything else fails and changes nothing.
    Short(i32),
    /// The process is killed before it.
    DieBefore,
    /// The process is killed after the first half of a write, when a directory is made but not yet durable, or before
    /// anything else.
    DieAmid,
    /// The process is killed when it is done, before the process learns of it. A sync counts as not done.
    DieAfter,
    /// Something happens first, in another process; then it fails with this error number and changes nothing.
    Meanwhile(Box<dyn FnOnce() + Send>, i32),
}

type Plan = Box<dyn FnMut(&Op) -> Option<Fault> + Send>;

#[derive(Default)]
struct Process {
    plan: Option<Plan>,
    trace: Vec<&'static str>,
    dead: bool,
}

impl SimDisk {
    /// An empty disk on which `root` is an existing directory.
    pub(crate) fn new(root: &Path) -> Self {
        let storage = Storage {
            names: BTreeMap::from([(root.to_owned(), Versions(vec![Some(Node::Dir)]))]),
            ..Storage::default()
        };
        Self::boot(storage)
    }

    fn boot(storage: Storage) -> Self {
        Self {
            storage: Arc::new(Mutex::new(storage)),
            process: Arc::default(),
        }
    }

    /// The same disk for another process.
    pub(crate) fn process(&self) -> Self {
        Self {
            storage: Arc::clone(&self.storage),
            process: Arc::default(),
        }
    }

    /// The same disk for another process, whose operations go as `plan` says.
    pub(crate) fn process_with(
        &self,
        plan: impl FnMut(&Op) -> Option<Fault> + Send + 'static,
    ) -> Self {
        let disk = self.process();
        disk.plan(plan);
        disk
    }

    /// From here on this process's operations go as `plan` says.
    pub(crate) fn plan(&self, plan: impl FnMut(&Op) -> Option<Fault> + Send + 'static) {
        lock(&self.process).plan = Some(Box::new(plan));
    }

    /// Kills this process: each of its operations fails from now on.
    pub(crate) fn kill(&self) {
        lock(&self.process).dead = true;
    }

    pub(crate) fn is_dead(&self) -> bool {
        lock(&self.process).dead
    }

    /// The names of this process's operations so far.
    pub(crate) fn trace(&self) -> Vec<&'static str> {
        lock(&self.process).trace.clone()
    }

    /// A copy of the disk as it is now, for a process that changes nothing for the others.
    pub(crate) fn copy(&self) -> Self {
        Self::boot(lock(&self.storage).clone())
    }

    /// What is left after the power fails now. All processes are gone with it.
    pub(crate) fn after_power_cut(&self, choices: &mut dyn Choose) -> Self {
        let before = lock(&self.storage).clone();
        let mut after = Storage {
            files: before.files.clone(),
            names: BTreeMap::new(),
            items: before.items.clone(),
        };
        for (path, versions) in &before.names {
            let kept = versions.0[choices.choose(versions.0.len())];
            let reachable = match path.parent() {
                // A directory that was lost takes what was in it along. Parents sort before their children.
                Some(parent) if before.names.contains_key(parent) => {
                    after.names.contains_key(parent)
                }
                _ => true,
            };
            if kept.is_some() && reachable {
                after.names.insert(path.clone(), Versions(vec![kept]));
            }
        }
        for (number, file) in after.files.iter_mut().enumerate() {
            let named = |name: &Versions<Option<Node>>| *name.now() == Some(Node::File(number));
            if after.names.values().any(named) {
                *file = Versions(vec![torn(&file.0, choices)]);
            }
        }
        Self::boot(after)
    }

    /// The bytes at `path` as processes see them.
    pub(crate) fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let storage = lock(&self.storage);
        let number = storage.number(path).ok()?;
        Some(storage.files[number].now().clone())
    }

    /// Puts a durable file in place, in a directory that is there then, past all faults.
    pub(crate) fn put(&self, path: &Path, bytes: Vec<u8>) {
        let mut storage = lock(&self.storage);
        storage.files.push(Versions(vec![bytes]));
        let node = Some(Node::File(storage.files.len() - 1));
        storage.names.insert(path.to_owned(), Versions(vec![node]));
        if let Some(dir) = path.parent() {
            let made = Versions(vec![Some(Node::Dir)]);
            storage.names.entry(dir.to_owned()).or_insert(made);
        }
    }

    fn run<T>(
        &self,
        name: &'static str,
        act: impl FnOnce(&mut Storage, Extent) -> io::Result<T>,
    ) -> io::Result<T> {
        let fault = {
            let mut process = lock(&self.process);
            if process.dead {
                return Err(io::Error::other("the process is dead"));
            }
            let op = Op {
                index: process.trace.len() as u64,
                name,
            };
            process.trace.push(name);
            process.plan.as_mut().and_then(|plan| plan(&op))
        };
        let errno = |number| Err(io::Error::from_raw_os_error(number));
        match fault {
            None => act(&mut lock(&self.storage), Extent::Whole),
            Some(Fault::Error(number)) => errno(number),
            Some(Fault::Short(number)) => {
                if name == "write_at" {
                    act(&mut lock(&self.storage), Extent::Half)?;
                }
                errno(number)
            }
            Some(Fault::Meanwhile(happens, number)) => {
                // No lock is held: what happens may use the disk.
                happens();
                errno(number)
            }
            Some(Fault::DieBefore) => {
                self.kill();
                Err(io::Error::other("killed"))
            }
            Some(Fault::DieAmid) => {
                self.kill();
                if name == "write_at" || name == "create_dir" {
                    act(&mut lock(&self.storage), Extent::Half)?;
                }
                Err(io::Error::other("killed"))
            }
            Some(Fault::DieAfter) => {
                self.kill();
                if name != "sync" && name != "sync_dir" {
                    act(&mut lock(&self.storage), Extent::Whole)?;
                }
                Err(io::Error::other("killed"))
            }
        }
    }
}

/// How much of an operation is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Half,
}

/// Any mixture of a file's versions.
fn torn(versions: &[Vec<u8>], choices: &mut dyn Choose) -> Vec<u8> {
    if let [durable] = versions {
        return durable.clone();
    }
    let lengths: BTreeSet<usize> = versions.iter().map(Vec::len).collect();
    let (min, max) = match (lengths.first(), lengths.last()) {
        (Some(min), Some(max)) => (*min, *max),
        _ => (0, 0),
    };
    // A file that grew by more than a sector may also have grown by some of its sectors only.
    let between = (min..max).filter(|len| len.is_multiple_of(SECTOR));
    let lengths: Vec<usize> = lengths.iter().copied().chain(between).collect();
    let len = lengths[choices.choose(lengths.len())];
    let mut out = Vec::with_capacity(len);
    for at in (0..len).step_by(SECTOR) {
        let end = (at + SECTOR).min(len);
        let sector = |version: &Vec<u8>| {
            let mut sector = vec![0; end - at];
            if let Some(held) = version.get(at..version.len().min(end)) {
                sector[..held.len()].copy_from_slice(held);
            }
            sector
        };
        let mut contents: Vec<Vec<u8>> = versions.iter().map(sector).collect();
        contents.sort();
        contents.dedup();
        out.extend(&contents[choices.choose(contents.len())]);
    }
    out
}

impl Storage {
    fn node(&self, path: &Path) -> Option<Node> {
        self.names.get(path).and_then(|name| *name.now())
    }

    fn number(&self, path: &Path) -> io::Result<usize> {
        match self.node(path) {
            Some(Node::File(number)) => Ok(number),
            Some(Node::Dir) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn name(&mut self, path: &Path, node: Option<Node>) -> io::Result<()> {
        match path.parent().and_then(|parent| self.node(parent)) {
            Some(Node::Dir) => {}
            _ => return Err(io::ErrorKind::NotFound.into()),
        }
        self.names
            .entry(path.to_owned())
            .or_insert_with(|| Versions(vec![None]))
            .change(node);
        Ok(())
    }

    fn stat(&self, number: usize) -> Stat {
        Stat {
            len: self.files[number].now().len() as u64,
            id: (1, number as u64),
        }
    }
}

impl Disk for SimDisk {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        self.run("stat", |storage, _| match storage.node(path) {
            Some(Node::File(number)) => Ok(Some(storage.stat(number))),
            Some(Node::Dir) => Err(io::ErrorKind::InvalidInput.into()),
            None => Ok(None),
        })
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let number = self.run("open", |storage, _| storage.number(path))?;
        Ok(self.file(number))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let number = self.run("create", |storage, _| {
            if storage.node(path).is_some() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let number = storage.files.len();
            storage.name(path, Some(Node::File(number)))?;
            storage.files.push(Versions(vec![Vec::new()]));
            Ok(number)
        })?;
        Ok(self.file(number))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run("rename", |storage, _| {
            let number = storage.number(from)?;
            storage.name(to, Some(Node::File(number)))?;
            storage.name(from, None)
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.run("remove", |storage, _| {
            storage.number(path)?;
            storage.name(path, None)
        })
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.run("sync_dir", |storage, _| {
            for (path, name) in &mut storage.names {
                if path.parent() == Some(dir) {
                    name.sync();
                }
            }
            Ok(())
        })
    }

    /// Durable, unless the process dies in it. Also makes the real directory: the lock between processes is always a
    /// real file.
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.run("create_dir", |storage, extent| {
            let missing: Vec<&Path> = dir
                .ancestors()
                .take_while(|dir| storage.node(dir).is_none())
                .collect();
            for dir in missing.into_iter().rev() {
                storage.name(dir, Some(Node::Dir))?;
                if let (Extent::Whole, Some(name)) = (extent, storage.names.get_mut(dir)) {
                    name.sync();
                }
            }
            std::fs::create_dir_all(dir)
        })
    }
}

impl SimDisk {
    fn file(&self, number: usize) -> Box<dyn DiskFile> {
        Box::new(SimFile {
            disk: self.clone(),
            number,
        })
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    number: usize,
}

impl DiskFile for SimFile {
    fn read_from(&mut self, offset: u64) -> io::Result<Vec<u8>> {
        self.disk.run("read_from", |storage, _| {
            let bytes = storage.files[self.number].now();
            let from = usize::try_from(offset).unwrap_or(usize::MAX);
            Ok(bytes.get(from..).unwrap_or_default().to_vec())
        })
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.run("write_at", |storage, extent| {
            let bytes = match extent {
                Extent::Whole => bytes,
                Extent::Half => &bytes[..bytes.len() / 2],
            };
            let from = usize::try_from(offset).unwrap_or(usize::MAX);
            let mut next = storage.files[self.number].now().clone();
            next.resize(next.len().max(from + bytes.len()), 0);
            next[from..from + bytes.len()].copy_from_slice(bytes);
            storage.files[self.number].change(next);
            Ok(())
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.run("sync", |storage, _| {
            storage.files[self.number].sync();
            Ok(())
        })
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.disk.run("truncate", |storage, _| {
            let mut next = storage.files[self.number].now().clone();
            next.resize(usize::try_from(len).unwrap_or(usize::MAX), 0);
            storage.files[self.number].change(next);
            Ok(())
        })
    }

    fn stat(&self) -> io::Result<Stat> {
        self.disk
            .run("file_stat", |storage, _| Ok(storage.stat(self.number)))
    }
}

impl Keychain for SimDisk {
    fn backend(&self) -> Backend {
        Backend::Memory
    }

    fn read(&self, vault_id: &str, item: &str) -> electron_latchkey::Result<Option<SecretBytes>> {
        let name = (vault_id.to_owned(), item.to_owned());
        self.run("keychain_read", |storage, _| {
            Ok(storage.items.get(&name).cloned())
        })
        .map(|item| item.map(SecretBytes::new))
        .map_err(keychain_failed)
    }

    fn write(
        &self,
        vault_id: &str,
        item: &str,
        secret: &SecretBytes,
    ) -> electron_latchkey::Result<()> {
        let name = (vault_id.to_owned(), item.to_owned());
        self.run("keychain_write", |storage, _| {
            storage.items.insert(name, secret.expose().to_vec());
            Ok(())
        })
        .map_err(keychain_failed)
    }

    fn remove(&self, vault_id: &str, item: &str) -> electron_latchkey::Result<()> {
        let name = (vault_id.to_owned(), item.to_owned());
        self.run("keychain_remove", |storage, _| {
            storage.items.remove(&name);
            Ok(())
        })
        .map_err(keychain_failed)
    }
}

fn keychain_failed(error: io::Error) -> electron_latchkey::Error {
    electron_latchkey::Error::KeychainFailed(error.to_string())
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimDisk")
    }
}

// A failed assertion while a lock is held ends the test; what is stored stays readable for its message.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
