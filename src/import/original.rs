//! The file that is imported: read as it is, and put aside under another name. Never written, never deleted.
#![forbid(unsafe_code)]

use crate::secret::Wiped;
use crate::vault::disk::Disk;
use crate::{Error, Result};
use sha2::{Digest as _, Sha256};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// conf reads and writes its file as a whole on each call: one this large would have been given up long ago.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// How many imports of one file leave their names beside it.
const MAX_NAMES: u32 = 10_000;

/// A file as it was when it was read.
#[derive(Debug)]
pub(crate) struct Original {
    path: PathBuf,
    digest: [u8; 32],
}

/// What came of putting a file aside.
pub(crate) enum PutAside {
    /// Under this name.
    To(PathBuf),
    /// Not: somebody has written to it since it was read.
    Changed,
    /// Another process was faster.
    Gone,
}

impl Original {
    /// The file and what it holds; `None` when there is none.
    ///
    /// # Errors
    /// `ERR_IMPORT_SOURCE`.
    pub(crate) fn read(path: &Path) -> Result<Option<(Self, Wiped)>> {
        let Some(bytes) = read(path)? else {
            return Ok(None);
        };
        let original = Self {
            path: path.to_owned(),
            digest: Sha256::digest(&*bytes).into(),
        };
        Ok(Some((original, bytes)))
    }

    /// Renames the file, durably, to a name beside it that nothing has.
    ///
    /// # Errors
    /// `ERR_IMPORT_SOURCE`.
    pub(crate) fn put_aside(&self, disk: &dyn Disk) -> Result<PutAside> {
        let Some(now) = read(&self.path)? else {
            return Ok(PutAside::Gone);
        };
        if self.digest != <[u8; 32]>::from(Sha256::digest(&*now)) {
            return Ok(PutAside::Changed);
        }
        let to = self.free_name()?;
        match disk.rename(&self.path, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(PutAside::Gone),
            renamed => renamed.map_err(failed("rename the imported file"))?,
        }
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        disk.sync_dir(folder)
            .map_err(failed("make the imported file's new name durable"))?;
        Ok(PutAside::To(to))
    }

    /// `config.json.imported`, then `config.json.imported-2` and so on.
    fn free_name(&self) -> Result<PathBuf> {
        let named = |suffix: &str| {
            let mut name = OsString::from(self.path.file_name().unwrap_or_default());
            name.push(suffix);
            self.path.with_file_name(name)
        };
        let names = std::iter::once(named(".imported"))
            .chain((2..MAX_NAMES).map(|number| named(&format!(".imported-{number}"))));
        for name in names {
            match name.symlink_metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(name),
                Err(error) => return Err(failed("look for a free name")(error)),
                Ok(_) => {}
            }
        }
        Err(Error::ImportSource {
            action: "look for a free name",
            reason: "every name is taken".to_owned(),
        })
    }
}

fn read(path: &Path) -> Result<Option<Wiped>> {
    let io = |error| failed("read the file")(error);
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(io)?,
    };
    let found = file.metadata().map_err(io)?;
    if !found.is_file() || found.len() > MAX_BYTES {
        return Err(Error::ImportSource {
            action: "read the file",
            reason: format!("it is not a file of at most {MAX_BYTES} bytes"),
        });
    }
    // Sized first: growing would leave a copy behind.
    let size = usize::try_from(found.len()).unwrap_or(0);
    let mut bytes = Wiped(Vec::with_capacity(size + 1));
    file.take(MAX_BYTES).read_to_end(&mut bytes).map_err(io)?;
    Ok(Some(bytes))
}

fn failed(action: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |error| Error::ImportSource {
        action,
        reason: error.to_string(),
    }
}
