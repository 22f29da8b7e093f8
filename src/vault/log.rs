//! The vault's file: opened by replay, grown by one synced frame for each write, rewritten when mostly garbage.
#![forbid(unsafe_code)]

use super::batch::{self, Op};
use super::contents::Contents;
use super::disk::{Disk, DiskFile, Stat};
use super::frame::{ALIGNMENT, Chain, Read};
use super::header::Header;
use super::root_key::RootKey;
use crate::secret::wipe_stack;
use crate::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A snapshot is cut into frames of about this size, so that reading one back needs little memory at a time.
const SNAPSHOT_BATCH_BYTES: usize = 1024 * 1024;
/// A file is read in pieces of this size, each of which holds two frames of a snapshot.
const READ_BYTES: usize = 2 * 1024 * 1024;
/// A file is rewritten when it is this much larger than twice what it holds: each byte is then rewritten about once.
const GARBAGE_BYTES: u64 = 1024 * 1024;

/// Which vault's file, and where it lies.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) path: PathBuf,
    pub(crate) vault_id: String,
}

/// A file whose header was read, but whose frames were not: its key is not known yet.
#[derive(Debug)]
pub(crate) struct Unread {
    file: Box<dyn DiskFile>,
    pub(crate) header: Header,
}

/// An open file of which everything up to `end` has been verified.
pub(crate) struct Log {
    file: Box<dyn DiskFile>,
    chain: Chain,
    id: (u64, u64),
    end: u64,
    /// Something in the file, or its name, was put there by another process, which may have died before it synced it.
    unsettled: bool,
}

/// What reading the rest of the file found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    Clean,
    /// A write that never finished stands at the end.
    Torn,
}

impl Place {
    pub(crate) fn stat(&self) -> Result<Option<Stat>> {
        self.disk
            .stat(&self.path)
            .map_err(Error::vault_io("look at the vault file"))
    }

    /// Opens the file and reads its header; `None` when there is no file.
    ///
    /// # Errors
    /// `ERR_VAULT_IO`, `ERR_VAULT_CORRUPT`, `ERR_VAULT_VERSION`, `ERR_VAULT_FOREIGN`.
    pub(crate) fn read(&self) -> Result<Option<Unread>> {
        if self.stat()?.is_none() {
            return Ok(None);
        }
        let mut file = self
            .disk
            .open(&self.path)
            .map_err(Error::vault_io("open the vault file"))?;
        let mut start = Vec::new();
        file.read_piece(0, Header::LEN, &mut start)
            .map_err(Error::vault_io("read the vault file"))?;
        let header = Header::decode(&start, &self.vault_id)?;
        Ok(Some(Unread { file, header }))
    }

    fn chain(&self, header: &Header, root: &RootKey) -> Chain {
        Chain::new(header, header.data_key(&self.vault_id, &root.key))
    }
}

impl Unread {
    /// Reads every frame into `contents`. `root` is the key that sealed the file.
    ///
    /// # Errors
    /// `ERR_VAULT_IO`, `ERR_VAULT_TAMPERED`, `ERR_VAULT_CORRUPT`.
    pub(crate) fn replay(
        self,
        place: &Place,
        root: &RootKey,
        contents: &mut Contents,
    ) -> Result<(Log, Tail)> {
        let io = || Error::vault_io("read the vault file");
        let id = self.file.stat().map_err(io())?.id;
        let mut log = Log {
            chain: place.chain(&self.header, root),
            file: self.file,
            id,
            end: Header::LEN as u64,
            unsettled: true,
        };
        // Piece by piece, in one buffer: new memory costs as much as opening what is read into it, and the system reads on
        // meanwhile. A frame that is cut by a piece's end is not judged here.
        let mut piece = Vec::new();
        loop {
            let before = log.end;
            log.file
                .read_piece(before, READ_BYTES, &mut piece)
                .map_err(io())?;
            let _ = replay(&mut log.chain, &mut log.end, &piece, contents);
            if log.end == before {
                break;
            }
        }
        // What is left of the file: nothing, unless something is wrong or a frame is longer than a piece.
        let rest = log.file.read_from(log.end).map_err(io())?;
        let tail = replay(&mut log.chain, &mut log.end, &rest, contents)?;
        if log.end == Header::LEN as u64 {
            // A file is put in place with its first frame, so without one it was cut or its header was changed.
            return Err(Error::VaultTampered("its first frame is missing"));
        }
        Ok((log, tail))
    }
}

/// A whole file with `contents`, sealed by `root`: for its place on disk, or as a recovery copy.
pub(crate) fn snapshot(
    place: &Place,
    root: &RootKey,
    contents: &Contents,
    now_ms: u64,
) -> Result<(Vec<u8>, Chain)> {
    let header = Header::generate(&place.vault_id, root)?;
    let mut chain = place.chain(&header, root);
    let mut bytes = header.encode().to_vec();
    for ops in contents.snapshot(now_ms, SNAPSHOT_BATCH_BYTES) {
        let frame = chain.seal(&batch::encode(&ops))?;
        chain.advance(&frame);
        bytes.extend(frame);
    }
    Ok((bytes, chain))
}

/// Reads a recovery copy: a whole file in memory.
///
/// # Errors
/// `ERR_VAULT_CORRUPT` when it is cut, and those of reading a file.
pub(crate) fn read_snapshot(
    vault_id: &str,
    bytes: &[u8],
    unlock: impl FnOnce(&Header) -> Result<RootKey>,
    contents: &mut Contents,
) -> Result<()> {
    let header = Header::decode(bytes, vault_id)?;
    let root = unlock(&header)?;
    let mut chain = Chain::new(&header, header.data_key(vault_id, &root.key));
    let mut end = Header::LEN as u64;
    let tail = replay(&mut chain, &mut end, &bytes[Header::LEN..], contents)?;
    if tail == Tail::Torn || end == Header::LEN as u64 {
        return Err(Error::VaultCorrupt("the copy is cut off"));
    }
    Ok(())
}

/// Applies the frames in `bytes`, which begin at `end` in their file; moves `end` behind each one that was applied.
fn replay(chain: &mut Chain, end: &mut u64, bytes: &[u8], contents: &mut Contents) -> Result<Tail> {
    let mut rest = bytes;
    let tail = loop {
        if rest.is_empty() {
            break Ok(Tail::Clean);
        }
        match chain.read(rest, *end) {
            Err(error) => break Err(error),
            Ok(Read::Torn) => break Ok(Tail::Torn),
            Ok(Read::Frame(payload, len)) => {
                let Some(ops) = batch::decode(&payload) else {
                    break Err(Error::VaultCorrupt("a frame holds an unknown operation"));
                };
                chain.advance(&rest[..len]);
                *end += len as u64;
                rest = &rest[len..];
                for op in ops {
                    contents.apply(op);
                }
            }
        }
    };
    // Once for all frames: each one overwrote what the one before left.
    wipe_stack();
    tail
}

impl Log {
    /// Makes a new file with `contents`, sealed by `root`, and puts it in place of the old one, if there is one.
    ///
    /// # Errors
    /// `ERR_VAULT_IO`; the old file is then still in place.
    pub(crate) fn create(
        place: &Place,
        root: &RootKey,
        contents: &Contents,
        now_ms: u64,
    ) -> Result<Self> {
        let (bytes, chain) = snapshot(place, root, contents, now_ms)?;
        let io = Error::vault_io;
        let file = write_in_place(&*place.disk, &place.path, &bytes)
            .map_err(io("write the vault file"))?;
        let id = file.stat().map_err(io("read the vault file"))?.id;
        Ok(Self {
            end: bytes.len() as u64,
            file,
            chain,
            id,
            unsettled: false,
        })
    }

    /// Appends one frame and syncs it.
    ///
    /// # Errors
    /// `ERR_VAULT_IO`, `ERR_INVALID_ARGUMENT` when the batch is too large.
    pub(crate) fn append(&mut self, ops: &[Op]) -> std::result::Result<(), AppendError> {
        let frame = self
            .chain
            .seal(&batch::encode(ops))
            .map_err(AppendError::NotWritten)?;
        let io = Error::vault_io;
        if let Err(error) = self.file.write_at(self.end, &frame) {
            // What is there is not a whole frame. If it cannot be cut off, the next writer finds it torn and does.
            let _ = self.cut_torn_tail();
            return Err(AppendError::NotWritten(io("write to the vault file")(
                error,
            )));
        }
        if let Err(error) = self.file.sync() {
            return Err(AppendError::NotSynced(io("write to the vault file")(error)));
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
        self.unsettled = true;
        replay(&mut self.chain, &mut self.end, &bytes, contents)
    }

    /// Makes durable what another process left, before anything is built on it: were it lost while a later frame is
    /// kept, or its name while its content is kept, an acknowledged write would be lost with it.
    ///
    /// # Errors
    /// `ERR_VAULT_IO`.
    pub(crate) fn settle(&mut self, place: &Place) -> Result<()> {
        if self.unsettled {
            let dir = place.path.parent();
            self.file
                .sync()
                .and_then(|()| dir.map_or(Ok(()), |dir| place.disk.sync_dir(dir)))
                .map_err(Error::vault_io("sync the vault file"))?;
            self.unsettled = false;
        }
        Ok(())
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
}

/// How an append failed.
#[derive(Debug)]
pub(crate) enum AppendError {
    /// The file is as it was.
    NotWritten(Error),
    /// A whole frame stands in the file, perhaps not on disk: another process may have read it.
    NotSynced(Error),
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
