//! One sealed frame of the log, and the chain that binds it to its place.
//!
//! `length (u32) ‖ nonce (24) ‖ ciphertext ‖ tag (16) ‖ length (u32)`; docs/format.md holds the details. The second
//! length lets a reader recognise a last frame whose beginning never reached the disk.
#![forbid(unsafe_code)]

use super::header::Header;
use crate::secret::{Key, fill_random};
use crate::{Error, Result};
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

const LEN_BYTES: usize = 4;
const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
/// What a frame adds to its payload.
pub(crate) const OVERHEAD: usize = LEN_BYTES + NONCE_BYTES + TAG_BYTES + LEN_BYTES;
/// Bounds what a reader allocates on the word of an unauthenticated length.
pub(crate) const MAX_FRAME_BYTES: usize = 64 * 1024 * 1024;

/// The unit a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// Seals and opens frames in their order. One value follows one file.
pub(crate) struct Chain {
    cipher: XChaCha20Poly1305,
    header_digest: [u8; 32],
    /// Number of the next frame; the first is 0.
    sequence: u64,
    /// Tag of the frame before; zero before the first.
    previous: [u8; TAG_BYTES],
}

/// What stands at a place in the file.
#[derive(Debug)]
pub(crate) enum Read {
    /// A whole frame that verifies: its payload, and how many bytes it takes.
    Frame(Zeroizing<Vec<u8>>, usize),
    /// A write that never finished: what is here was not acknowledged to anyone.
    Torn,
}

impl Chain {
    pub(crate) fn new(header: &Header, data_key: &Key) -> Self {
        Self {
            cipher: XChaCha20Poly1305::new(data_key.expose().into()),
            header_digest: header.digest(),
            sequence: 0,
            previous: [0; TAG_BYTES],
        }
    }

    /// Seals `payload` as the next frame. The chain moves on only when [`Chain::advance`] is called with the frame,
    /// after it has reached the disk.
    pub(crate) fn seal(&self, payload: &[u8]) -> Result<Vec<u8>> {
        let total = payload.len() + OVERHEAD;
        if total > MAX_FRAME_BYTES {
            return Err(Error::InvalidArgument(format!(
                "A write may hold at most {} MiB. Store large content in a file of its own.",
                MAX_FRAME_BYTES / 1024 / 1024
            )));
        }
        let length = u32::try_from(total).unwrap_or(u32::MAX).to_le_bytes();
        let mut frame = Vec::with_capacity(total);
        frame.extend(length);
        frame.resize(LEN_BYTES + NONCE_BYTES, 0);
        fill_random(&mut frame[LEN_BYTES..])?;
        let nonce = XNonce::try_from(&frame[LEN_BYTES..LEN_BYTES + NONCE_BYTES])
            .map_err(|_| Error::Internal("the nonce has the wrong length"))?;
        frame.extend(payload);
        let tag = self
            .cipher
            .encrypt_inout_detached(
                &nonce,
                &self.associated_data(),
                (&mut frame[LEN_BYTES + NONCE_BYTES..]).into(),
            )
            .map_err(|_| Error::Internal("sealing failed"))?;
        frame.extend(tag);
        frame.extend(length);
        Ok(frame)
    }

    /// Moves the chain behind `frame`, a whole frame made by [`Chain::seal`] or accepted by [`Chain::read`].
    pub(crate) fn advance(&mut self, frame: &[u8]) {
        let tag_at = frame.len() - LEN_BYTES - TAG_BYTES;
        self.previous
            .copy_from_slice(&frame[tag_at..tag_at + TAG_BYTES]);
        self.sequence += 1;
    }

    /// Reads the frame that `rest` begins with. `rest` reaches to the end of the file and is not empty; `offset` is
    /// its place in the file.
    ///
    /// # Errors
    /// `ERR_VAULT_TAMPERED` when it does not verify and is not a write that never finished.
    pub(crate) fn read(&self, rest: &[u8], offset: u64) -> Result<Read> {
        let Some(total) = declared_len(rest) else {
            return if is_torn(rest, offset) {
                Ok(Read::Torn)
            } else {
                Err(Error::VaultTampered("a frame's length is wrong"))
            };
        };
        let Some(frame) = rest.get(..total) else {
            // Appending is the last thing a writer does, so a frame that is not all there is the last one.
            return Ok(Read::Torn);
        };
        match self.open(frame) {
            Some(payload) => Ok(Read::Frame(payload, total)),
            None if total == rest.len() && is_torn(rest, offset) => Ok(Read::Torn),
            None => Err(Error::VaultTampered("a frame does not verify")),
        }
    }

    fn open(&self, frame: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (length, sealed) = frame.split_first_chunk::<LEN_BYTES>()?;
        let (sealed, trailer) = sealed.split_last_chunk::<LEN_BYTES>()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
        if length != trailer {
            return None;
        }
        let mut payload = Zeroizing::new(ciphertext.to_vec());
        self.cipher
            .decrypt_inout_detached(
                &XNonce::from(*nonce),
                &self.associated_data(),
                payload.as_mut_slice().into(),
                &Tag::from(*tag),
            )
            .ok()?;
        Some(payload)
    }

    fn associated_data(&self) -> [u8; 32 + 8 + TAG_BYTES] {
        let mut data = [0; 32 + 8 + TAG_BYTES];
        data[..32].copy_from_slice(&self.header_digest);
        data[32..40].copy_from_slice(&self.sequence.to_le_bytes());
        data[40..].copy_from_slice(&self.previous);
        data
    }
}

/// The length a frame declares, when it is one a frame can have.
fn declared_len(rest: &[u8]) -> Option<usize> {
    let total = usize::try_from(u32::from_le_bytes(*rest.first_chunk()?)).ok()?;
    (OVERHEAD..=MAX_FRAME_BYTES).contains(&total).then_some(total)
}

/// Whether `rest`, which does not verify and reaches to the end of the file, is a last write of which some sectors
/// never reached the disk.
///
/// A file system shows such sectors as zeros, and a file that was cut is simply short. Random ciphertext does not
/// hold a zeroed sector, so a changed byte is never taken for this. An attacker who zeroes the last frame removes
/// it, which is no more than cutting the file: that is what the generation in the keychain is for.
fn is_torn(rest: &[u8], offset: u64) -> bool {
    if rest.iter().all(|byte| *byte == 0) || rest.len() < OVERHEAD {
        return true;
    }
    let head_sector = sectors(rest, offset).next().unwrap_or_default();
    if declared_len(rest).is_none() {
        // The beginning is missing: then all of its sector is, and the end says that this was one frame.
        let ends_as_one_frame = rest
            .last_chunk::<LEN_BYTES>()
            .is_some_and(|end| u32::from_le_bytes(*end) as usize == rest.len());
        return ends_as_one_frame && is_zero(head_sector);
    }
    sectors(rest, offset).any(is_zero)
}

fn sectors(rest: &[u8], offset: u64) -> impl Iterator<Item = &[u8]> {
    let into_sector = usize::try_from(offset % SECTOR_BYTES as u64).unwrap_or(0);
    let (first, others) = rest.split_at(rest.len().min(SECTOR_BYTES - into_sector));
    std::iter::once(first).chain(others.chunks(SECTOR_BYTES))
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}
