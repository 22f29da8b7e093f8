//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), which seals every frame.
//!
//! HChaCha20 makes a key for one frame of the key and the nonce's first 16 bytes; ring's ChaCha20-Poly1305 does the rest.
//! Its assembly opens a kilobyte in 0.6 µs where the `chacha20poly1305` crate takes 2.2. ring never sees the key itself, and
//! what it leaves on the stack of the frame's own key is gone after
//! [`wipe_stack`](crate::secret::wipe_stack): the caller's duty.
#![forbid(unsafe_code)]

use chacha20::{R20, hchacha};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroize as _;

/// Length of a key in bytes.
pub const KEY_BYTES: usize = 32;
/// Length of a nonce in bytes: long enough to be drawn at random.
pub const NONCE_BYTES: usize = 24;
/// Length of a tag in bytes.
pub const TAG_BYTES: usize = 16;

/// Seals `text` in its place and answers its tag; `None` when it is longer than the cipher takes (256 GiB).
// Never inlined: what these leave on the stack must lie below the frame of whoever wipes it.
#[inline(never)]
#[must_use]
pub fn seal(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    associated: &[u8],
    text: &mut [u8],
) -> Option<[u8; TAG_BYTES]> {
    let (key, nonce) = for_one_frame(key, nonce)?;
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::from(associated), text)
        .ok()?;
    tag.as_ref().try_into().ok()
}

/// Opens `text` in its place. `None` when it does not verify: `text` then holds nothing of use.
#[inline(never)]
#[must_use]
pub fn open(
    key: &[u8; KEY_BYTES],
    nonce: &[u8; NONCE_BYTES],
    associated: &[u8],
    text: &mut [u8],
    tag: &[u8; TAG_BYTES],
) -> Option<()> {
    let (key, nonce) = for_one_frame(key, nonce)?;
    key.open_in_place_separate_tag(nonce, Aad::from(associated), (*tag).into(), text, 0..)
        .ok()?;
    Some(())
}

fn for_one_frame(key: &[u8; KEY_BYTES], nonce: &[u8; NONCE_BYTES]) -> Option<(LessSafeKey, Nonce)> {
    let (input, rest) = nonce.split_first_chunk::<16>()?;
    let mut own_key = hchacha::<R20>(key.into(), input.into());
    let key = UnboundKey::new(&CHACHA20_POLY1305, &own_key);
    own_key.as_mut_slice().zeroize();
    let mut own_nonce = [0; 12];
    own_nonce[4..].copy_from_slice(rest);
    Some((
        LessSafeKey::new(key.ok()?),
        Nonce::assume_unique_for_key(own_nonce),
    ))
}
