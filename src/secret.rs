//! Secrets as types: no `Clone`, nothing in `Debug`, wiped on drop, and one greppable way to read them.

use std::fmt;
use zeroize::{Zeroize, Zeroizing};

/// Bytes that must not leak.
#[derive(Default)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes ownership of `bytes`. Copies made before are the caller's to wipe.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
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
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// Takes ownership of `text`. Copies made before are the caller's to wipe.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Every use of a secret is a call of this function.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString(…)")
    }
}

/// A 256-bit key, on the heap so that moving it leaves no copy on the stack.
pub struct Key(Box<[u8; Key::LEN]>);

impl Key {
    /// Length of a key in bytes.
    pub const LEN: usize = 32;

    /// A key from the operating system's random number generator.
    ///
    /// # Errors
    /// `ERR_INTERNAL` when the generator fails.
    pub fn generate() -> crate::Result<Self> {
        let mut key = Self(Box::new([0; Self::LEN]));
        fill_random(key.0.as_mut_slice())?;
        Ok(key)
    }

    /// A key from exactly [`Key::LEN`] bytes, `None` for any other length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Self(Box::new([0; Self::LEN]));
        if bytes.len() != Self::LEN {
            return None;
        }
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    /// The key itself. Every use of a secret is a call of this function.
    #[must_use]
    pub fn expose(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8; Self::LEN] {
        &mut self.0
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.0.zeroize();
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
