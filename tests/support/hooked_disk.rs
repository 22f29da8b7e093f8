//! The real disk, with something done before each operation, up to the death of the process.

use electron_latchkey::vault::disk::{Disk, DiskFile, OsDisk, Stat};
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// What becomes of an operation and of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    DieBefore,
    /// Killed after the first half of a write, or when anything else is done.
    DieAmid,
    DieAfter,
}

/// Calls its function with the name of each operation.
#[derive(Clone)]
pub(crate) struct HookedDisk(Arc<dyn Fn(&'static str) -> Fate + Send + Sync>);

impl HookedDisk {
    pub(crate) fn new(hook: impl Fn(&'static str) -> Fate + Send + Sync + 'static) -> Self {
        Self(Arc::new(hook))
    }

    fn run<T>(&self, name: &'static str, act: impl FnOnce(Fate) -> io::Result<T>) -> io::Result<T> {
        let fate = (self.0)(name);
        if fate == Fate::DieBefore {
            die();
        }
        let done = act(fate);
        if fate != Fate::Done {
            die();
        }
        done
    }

    fn file(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(HookedFile(file, self.clone()))
    }
}

/// SIGKILL where there is one: nothing runs after it.
fn die() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getpid, kill_process};
        let _ = kill_process(getpid(), Signal::KILL);
    }
    std::process::abort();
}

impl fmt::Debug for HookedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookedDisk")
    }
}

impl Disk for HookedDisk {
    fn stat(&self, path: &Path) -> io::Result<Option<Stat>> {
        self.run("stat", |_| OsDisk.stat(path))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.run("open", |_| OsDisk.open(path))
            .map(|file| self.file(file))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.run("create", |_| OsDisk.create(path))
            .map(|file| self.file(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.run("rename", |_| OsDisk.rename(from, to))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.run("remove", |_| OsDisk.remove(path))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.run("sync_dir", |_| OsDisk.sync_dir(dir))
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.run("create_dir", |_| OsDisk.create_dir(dir))
    }
}

#[derive(Debug)]
struct HookedFile(Box<dyn DiskFile>, HookedDisk);

impl DiskFile for HookedFile {
    fn read_from(&mut self, offset: u64) -> io::Result<Vec<u8>> {
        self.1.run("read_from", |_| self.0.read_from(offset))
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.1.run("write_at", |fate| {
            let len = if fate == Fate::DieAmid {
                bytes.len() / 2
            } else {
                bytes.len()
            };
            self.0.write_at(offset, &bytes[..len])
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.1.run("sync", |_| self.0.sync())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.1.run("truncate", |_| self.0.truncate(len))
    }

    fn stat(&self) -> io::Result<Stat> {
        self.1.run("file_stat", |_| self.0.stat())
    }
}
