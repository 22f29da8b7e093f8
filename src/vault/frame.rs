//! One sealed frame of the log, and the chain that binds it to its place.
//!
//! `length (u32) ‖ nonce (24) ‖ ciphertext ‖ tag (16) ‖ length (u32)`; docs/format.md holds the details. The second
//! length lets a reader recognise a last frame whose beginning never reached the disk.
#![forbid(unsafe_code)]

use super::aead::{self, NONCE_BYTES, TAG_BYTES};
use super::header::Header;
use crate::secret::{Key, Wiped, fill_random, wipe_stack};
use crate::{Error, Result};

const LEN_BYTES: usize = 4;
/// Fills a payload up to the frame's alignment; a batch ends at its first padding byte.
pub(crate) const PADDING: u8 = 0;
/// The least a frame adds to its payload.
pub(crate) const OVERHEAD: usize = LEN_BYTES + NONCE_BYTES + TAG_BYTES + LEN_BYTES;
/// Bounds what a reader allocates on the word of an unauthenticated length.
pub(crate) const MAX_FRAME_BYTES: usize = 64 * 1024 * 1024;

/// Frames begin and end at multiples of this, so that no sector holds only a sliver of one.
pub(crate) const ALIGNMENT: usize = 32;
/// The unit a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;

/// Seals and opens frames in their order. One value follows one file.
pub(crate) struct Chain {
    data_key: Key,
    header_digest: [u8; 32],
    /// Number of the next frame; the first is 0.
    sequence: u64,
    /// Tag of the frame before; zero before the first.
    previous: [u8; TAG_BYTES],
}

/// What stands at a place in the file.
#[derive(Debug)]
pub(crate) enum Read {
    /// A whole frame that verifies: its padded payload, and how many bytes it takes.
    Frame(Wiped, usize),
    /// A write that never finished: what is here was not acknowledged to anyone.
    Torn,
}

impl Chain {
    pub(crate) fn new(header: &Header, data_key: Key) -> Self {
        Self {
            data_key,
            header_digest: header.digest(),
            sequence: 0,
            previous: [0; TAG_BYTES],
        }
    }

    /// Seals `payload` as the next frame. The chain moves on only when [`Chain::advance`] is called with the frame,
    /// after it has reached the disk.
    pub(crate) fn seal(&self, payload: &[u8]) -> Result<Vec<u8>> {
        let total = (payload.len() + OVERHEAD).next_multiple_of(ALIGNMENT);
        if total > MAX_FRAME_BYTES {
            return Err(Error::InvalidArgument(format!(
                "A write may hold at most {} MiB. Store large content in a file of its own.",
                MAX_FRAME_BYTES / 1024 / 1024
            )));
        }
        let length = u32::try_from(total).unwrap_or(u32::MAX).to_le_bytes();
        let mut frame = Vec::with_capacity(total);
        let mut nonce = [0; NONCE_BYTES];
        fill_random(&mut nonce)?;
        frame.extend(length);
        frame.extend(nonce);
        frame.extend(payload);
        frame.resize(total - TAG_BYTES - LEN_BYTES, PADDING);
        let text = &mut frame[LEN_BYTES + NONCE_BYTES..];
        let tag = aead::seal(
            self.data_key.expose(),
            &nonce,
            &self.associated_data(),
            text,
        );
        wipe_stack();
        frame.extend(tag.ok_or(Error::Internal("sealing failed"))?);
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
        let whole = declared_len(rest).and_then(|total| rest.get(..total));
        match whole.and_then(|frame| self.open(frame)) {
            // `whole` is there, or nothing would have been opened.
            Some(payload) => Ok(Read::Frame(payload, whole.map_or(0, <[u8]>::len))),
            None if is_torn(rest, offset) => Ok(Read::Torn),
            None => Err(Error::VaultTampered("a frame does not verify")),
        }
    }

    fn open(&self, frame: &[u8]) -> Option<Wiped> {
        let (length, sealed) = frame.split_first_chunk::<LEN_BYTES>()?;
        let (sealed, trailer) = sealed.split_last_chunk::<LEN_BYTES>()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
        if length != trailer {
            return None;
        }
        let mut payload = Wiped(ciphertext.to_vec());
        let associated = self.associated_data();
        aead::open(
            self.data_key.expose(),
            nonce,
            &associated,
            &mut payload,
            tag,
        )?;
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
    valid_len(*rest.first_chunk()?)
}

fn valid_len(bytes: [u8; LEN_BYTES]) -> Option<usize> {
    let total = usize::try_from(u32::from_le_bytes(bytes)).ok()?;
    let valid = (OVERHEAD..=MAX_FRAME_BYTES).contains(&total) && total.is_multiple_of(ALIGNMENT);
    valid.then_some(total)
}

/// Whether `rest`, which does not verify and reaches to the end of the file, is one last write that never finished.
///
/// After a crash such a write is short, or some of its sectors never reached the disk and read as zeros; and nothing
/// stands behind it, because a writer cuts it off before it appends. Sealed bytes never hold a zeroed piece of
/// [`ALIGNMENT`] bytes, so a changed byte is never taken for this. Someone who cuts or zeroes the last frame on
/// purpose undoes a write: that is a rollback, which the file alone cannot show.
fn is_torn(rest: &[u8], offset: u64) -> bool {
    if rest.len() < OVERHEAD {
        return true;
    }
    let sector_is_missing = sectors(rest, offset).any(|piece| piece.iter().all(|byte| *byte == 0));
    let ends_with = rest.last_chunk().and_then(|end| valid_len(*end));
    match ends_with.filter(|len| *len <= rest.len()) {
        Some(len) if len == rest.len() => sector_is_missing,
        // A whole frame stands at the end, behind what does not verify.
        Some(len) if declared_len(&rest[rest.len() - len..]) == Some(len) => false,
        _ => sector_is_missing || declared_len(rest).is_some_and(|total| total > rest.len()),
    }
}

/// The pieces of `rest` as the disk's sectors divide it.
fn sectors(rest: &[u8], offset: u64) -> impl Iterator<Item = &[u8]> {
    let into_sector = usize::try_from(offset % SECTOR_BYTES as u64).unwrap_or(0);
    let (first, others) = rest.split_at(rest.len().min(SECTOR_BYTES - into_sector));
    std::iter::once(first).chain(others.chunks(SECTOR_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::header::KeyProtection;
    use crate::vault::root_key::RootKey;

    const FIRST: u64 = Header::LEN as u64;

    /// Two chains at the beginning of one file: a writer's and a reader's.
    fn pair() -> (Chain, Chain) {
        let root = RootKey {
            epoch: 1,
            protection: KeyProtection::Keychain(crate::vault::slot::Slot([7; 16])),
            key: Key::from_slice(&[7; 32]).unwrap_or_else(|| unreachable!()),
        };
        let header = Header::generate("com.example.a", &root).unwrap_or_else(|e| panic!("{e}"));
        let chain = || Chain::new(&header, header.data_key("com.example.a", &root.key));
        (chain(), chain())
    }

    fn chain() -> Chain {
        pair().0
    }

    fn seal(chain: &Chain, payload: &[u8]) -> Vec<u8> {
        chain.seal(payload).unwrap_or_else(|e| panic!("{e}"))
    }

    fn verdict(chain: &Chain, rest: &[u8]) -> &'static str {
        match chain.read(rest, FIRST) {
            Ok(Read::Frame(..)) => "frame",
            Ok(Read::Torn) => "torn",
            Err(error) => error.code(),
        }
    }

    #[test]
    fn every_flipped_byte_of_the_last_frame_is_tampering() {
        let chain = chain();
        let frame = seal(&chain, &[5; 2000]);
        assert_eq!(verdict(&chain, &frame), "frame");
        for at in 0..frame.len() {
            for bit in [0x01, 0x80, 0xff] {
                let mut flipped = frame.clone();
                flipped[at] ^= bit;
                assert_eq!(verdict(&chain, &flipped), "ERR_VAULT_TAMPERED", "byte {at}");
            }
        }
    }

    #[test]
    fn every_flipped_byte_before_the_last_frame_is_tampering() {
        let (mut writer, reader) = pair();
        let first = seal(&writer, &[5; 700]);
        writer.advance(&first);
        let both = [first.clone(), seal(&writer, &[6; 100])].concat();
        for at in 0..first.len() {
            for bit in [0x01, 0x80, 0xff] {
                let mut flipped = both.clone();
                flipped[at] ^= bit;
                assert_eq!(
                    verdict(&reader, &flipped),
                    "ERR_VAULT_TAMPERED",
                    "byte {at}"
                );
            }
        }
    }

    #[test]
    fn a_frame_cut_anywhere_is_a_torn_write() {
        let chain = chain();
        let frame = seal(&chain, &[5; 2000]);
        for cut in 1..frame.len() {
            assert_eq!(verdict(&chain, &frame[..cut]), "torn", "cut at {cut}");
        }
    }

    #[test]
    fn any_set_of_lost_sectors_is_a_torn_write() {
        let chain = chain();
        let frame = seal(&chain, &[5; 2000]);
        let pieces: Vec<usize> = sectors(&frame, FIRST).map(<[u8]>::len).collect();
        for lost in 1u32..1 << pieces.len() {
            let mut torn = frame.clone();
            let mut at = 0;
            for (index, len) in pieces.iter().enumerate() {
                if lost & (1 << index) != 0 {
                    torn[at..at + len].fill(0);
                }
                at += len;
            }
            assert_eq!(verdict(&chain, &torn), "torn", "lost {lost:b}");
        }
    }

    #[test]
    fn a_frame_opens_only_in_its_own_place() {
        let mut first = chain();
        let frame = seal(&first, b"payload");
        first.advance(&frame);
        assert_eq!(verdict(&first, &frame), "ERR_VAULT_TAMPERED", "replayed");
        assert_eq!(
            verdict(&chain(), &frame),
            "ERR_VAULT_TAMPERED",
            "another file"
        );
    }
}
