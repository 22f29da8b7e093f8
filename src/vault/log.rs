//! The vault's file: opened by replay, grown by one synced frame for each write, rewritten when mostly garbage.
#![forbid(unsafe_code)]

use super::batch::{self, Op};
use super::contents::Contents;
use super::disk::{Disk, DiskFile, Stat};
use super::frame::{ALIGNMENT, Chain, Read};
use super::header::Header;
use super::root_key::RootKey;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A snapshot is cut into frames of about this size, so that reading one back needs little memory at a time.
const SNAPSHOT_BATCH_BYTES: usize = 1024 * 1024;
/// A file is rewritten when it is this much larger than twice what it holds: each byte is then rewritten about once.
const GARBAGE_BYTES: u64 = 1024 * 1024;

/// Everything that names and protects one vault file.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) path: PathBuf,
    pub(crate) vault_id: String,
    pub(crate) root: RootKey,
}

/// An open file of which everything up to `end` has been verified.
pub(crate) struct Log {
    file: Box<dyn DiskFile>,
    chain: Chain,
    id: (u64, u64),
    end: u64,
}

/// What reading the rest of the file found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    Clean,
    /// A write that never finished stands at the end.
    Torn,
}

impl Log {
    /// Reads the whole file into `contents`.
    ///
    /// # Errors
    /// `ERR_VAULT_IO`, `ERR_VAULT_CORRUPT`, `ERR_VAULT_VERSION`, `ERR_VAULT_FOREIGN`, `ERR_KEY_INVALID`, `ERR_VAULT_TAMPERED`.
    pub(crate) fn open(place: &Place, contents: &mut Contents) -> Result<(Self, Tail)> {
        let io = Error::vault_io;
        let mut file = place
            .disk
            .open(&place.path)
            .map_err(io("open the vault file"))?;
        let bytes = file.read_from(0).map_err(io("read the vault file"))?;
        let header = Header::decode(&bytes, &place.vault_id)?;
        if header.epoch != place.root.epoch || !header.is_sealed_by(&place.root.key) {
            return Err(Error::KeyInvalid("another key sealed the file"));
        }
        let id = file.stat().map_err(io("read the vault file"))?.id;
        let mut log = Self {
            chain: place.chain(&header),
            file,
            id,
            end: Header::LEN as u64,
        };
        let tail = log.replay(&bytes[Header::LEN..], contents)?;
        if log.end == Header::LEN as u64 {
            // A file is put in place with its first frame, so without one it was cut or its header was changed.
            return Err(Error::VaultTampered("its first frame is missing"));
        }
        Ok((log, tail))
    }

    /// Makes a new file with `contents` and puts it in place of the old one, if there is one.
    ///
    /// # Errors
    /// `ERR_VAULT_IO`; the old file is then still in place.
    pub(crate) fn create(place: &Place, contents: &Contents, now_ms: u64) -> Result<Self> {
        let header = Header::generate(&place.vault_id, place.root.epoch, &place.root.key)?;
        let mut chain = place.chain(&header);
        let mut bytes = header.encode().to_vec();
        for ops in contents.snapshot(now_ms, SNAPSHOT_BATCH_BYTES) {
            let frame = chain.seal(&batch::encode(&ops))?;
            chain.advance(&frame);
            bytes.extend(frame);
        }
        let io = Error::vault_io;
        let file = write_in_place(&*place.disk, &place.path, &bytes)
            .map_err(io("write the vault file"))?;
        let id = file.stat().map_err(io("read the vault file"))?.id;
        Ok(Self {
            end: bytes.len() as u64,
            file,
            chain,
            id,
        })
    }

    /// Appends one frame and syncs it. On an error the file is cut back to what it was.
    ///
    /// # Errors
    /// `ERR_VAULT_IO`, `ERR_INVALID_ARGUMENT` when the batch is too large.
    pub(crate) fn append(&mut self, ops: &[Op]) -> Result<()> {
        let frame = self.chain.seal(&batch::encode(ops))?;
        let written = self
            .file
            .write_at(self.end, &frame)
            .and_then(|()| self.file.sync());
        if let Err(error) = written {
            // If this fails too, the next writer finds a torn tail and cuts it.
            let _ = self.file.truncate(self.end).and_then(|()| self.file.sync());
            return Err(Error::vault_io("write to the vault file")(error));
        }
        self.end += frame.len() as u64;
        self.chain.advance(&frame);
        Ok(())
    }

    /// Reads what other processes appended.
    ///
    /// # Errors
    /// `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`.
    pub(crate) fn read_tail(&mut self, contents: &mut Contents) -> Result<Tail> {
        let bytes = self
            .file
            .read_from(self.end)
            .map_err(Error::vault_io("read the vault file"))?;
        self.replay(&bytes, contents)
    }

    /// Cuts off a write that never finished. Only under the lock: a live writer may be in the middle of it.
    ///
    /// # Errors
    /// `ERR_VAULT_IO`.
    pub(crate) fn cut_torn_tail(&mut self) -> Result<()> {
        self.file
            .truncate(self.end)
            .and_then(|()| self.file.sync())
            .map_err(Error::vault_io("repair the vault file"))
    }

    /// Whether `found`, what stands at the path now, is this file as it was last read.
    pub(crate) fn compare(&self, found: Stat) -> Compared {
        if found.id != self.id {
            Compared::Replaced
        } else if found.len != self.end {
            Compared::Changed
        } else {
            Compared::Same
        }
    }

    /// Whether rewriting the file is worth it.
    pub(crate) fn is_mostly_garbage(&self, contents: &Contents) -> bool {
        self.end > 2 * contents.live_bytes() as u64 + GARBAGE_BYTES
    }

    /// The file as this log knows it.
    pub(crate) fn stat(&self) -> Stat {
        Stat {
            len: self.end,
            id: self.id,
        }
    }

    fn replay(&mut self, bytes: &[u8], contents: &mut Contents) -> Result<Tail> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.chain.read(rest, self.end)? {
                Read::Torn => return Ok(Tail::Torn),
                Read::Frame(payload, len) => {
                    let ops = batch::decode(&payload)
                        .ok_or(Error::VaultCorrupt("a frame holds an unknown operation"))?;
                    self.chain.advance(&rest[..len]);
                    self.end += len as u64;
                    rest = &rest[len..];
                    for op in ops {
                        contents.apply(op);
                    }
                }
            }
        }
        Ok(Tail::Clean)
    }
}

/// How the file at the path compares with the one that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compared {
    Same,
    /// Longer, or cut.
    Changed,
    /// Another file.
    Replaced,
}

impl Place {
    fn chain(&self, header: &Header) -> Chain {
        Chain::new(header, &header.data_key(&self.vault_id, &self.root.key))
    }
}

/// Writes a file so that at any moment either the old or the whole new one is in place.
fn write_in_place(
    disk: &dyn Disk,
    path: &Path,
    bytes: &[u8],
) -> std::io::Result<Box<dyn DiskFile>> {
    let temporary = path.with_extension("tmp");
    // Left behind by a process that died here. It was never in place, so nothing in it counts.
    if disk.stat(&temporary)?.is_some() {
        disk.remove(&temporary)?;
    }
    let mut file = disk.create(&temporary)?;
    let moved = file
        .write_at(0, bytes)
        .and_then(|()| file.sync())
        .and_then(|()| disk.rename(&temporary, path));
    if let Err(error) = moved {
        let _ = disk.remove(&temporary);
        return Err(error);
    }
    if let Some(dir) = path.parent() {
        disk.sync_dir(dir)?;
    }
    Ok(file)
}

// Frames begin at multiples of the alignment only if the header ends at one.
const _: () = assert!(Header::LEN.is_multiple_of(ALIGNMENT));
