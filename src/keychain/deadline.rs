//! A limit on how long a keychain may take.
#![forbid(unsafe_code)]

use super::{Backend, Held, Keychain};
use crate::secret::SecretBytes;
use crate::{Error, Result};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Runs each call of a keychain on a thread of its own and stops waiting after a deadline.
///
/// A frozen secret service hangs its clients for ever, and an unlock prompt waits for a person. The thread that is
/// left behind ends when the service answers or the process exits. Its answer is wiped, and what it was given to hold is
/// held until then.
#[derive(Debug, Clone)]
pub struct Deadline<K> {
    keychain: Arc<K>,
    limit: Duration,
}

impl<K: Keychain> Deadline<K> {
    /// Wraps `keychain` so that no call takes longer than `limit`.
    pub fn new(keychain: K, limit: Duration) -> Self {
        Self {
            keychain: Arc::new(keychain),
            limit,
        }
    }

    fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce(&K) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let keychain = Arc::clone(&self.keychain);
        within(self.limit, move || call(&keychain))
    }
}

/// Runs `call` on a thread of its own, and waits for it no longer than `limit`.
///
/// # Errors
/// Those of `call`, and `ERR_KEYCHAIN_TIMEOUT`.
pub(crate) fn within<T: Send + 'static>(
    limit: Duration,
    call: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (answer, waiting) = sync_channel(1);
    std::thread::Builder::new()
        .name("latchkey-keychain".to_owned())
        .spawn(move || {
            // The receiver is gone when the deadline has passed: the late answer is dropped, and so wiped.
            let _ = answer.send(call());
        })
        .map_err(|error| Error::KeychainFailed(error.to_string()))?;
    match waiting.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(Error::KeychainTimeout {
            timeout_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
        }),
        Err(RecvTimeoutError::Disconnected) => {
            Err(Error::Internal("the keychain's thread panicked"))
        }
    }
}

impl<K: Keychain> Keychain for Deadline<K> {
    fn backend(&self) -> Backend {
        self.keychain.backend()
    }

    fn read(&self, vault_id: &str, item: &str) -> Result<Option<SecretBytes>> {
        let (vault_id, item) = (vault_id.to_owned(), item.to_owned());
        self.run(move |keychain| keychain.read(&vault_id, &item))
    }

    fn write(&self, vault_id: &str, item: &str, secret: &SecretBytes) -> Result<()> {
        let (vault_id, item) = (vault_id.to_owned(), item.to_owned());
        let secret = SecretBytes::new(secret.expose().to_vec());
        self.run(move |keychain| keychain.write(&vault_id, &item, &secret))
    }

    fn remove(&self, vault_id: &str, item: &str) -> Result<()> {
        let (vault_id, item) = (vault_id.to_owned(), item.to_owned());
        self.run(move |keychain| keychain.remove(&vault_id, &item))
    }

    fn write_holding(
        &self,
        vault_id: &str,
        item: &str,
        secret: &SecretBytes,
        held: Held,
    ) -> Result<()> {
        let (vault_id, item) = (vault_id.to_owned(), item.to_owned());
        let secret = SecretBytes::new(secret.expose().to_vec());
        self.run(move |keychain| keychain.write_holding(&vault_id, &item, &secret, held))
    }

    fn remove_holding(&self, vault_id: &str, item: &str, held: Held) -> Result<()> {
        let (vault_id, item) = (vault_id.to_owned(), item.to_owned());
        self.run(move |keychain| keychain.remove_holding(&vault_id, &item, held))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::time::Instant;

    /// A keychain that answers when the gate is opened.
    struct Frozen(Mutex<()>);

    impl Keychain for Arc<Frozen> {
        fn backend(&self) -> Backend {
            Backend::Memory
        }
        fn read(&self, _: &str, _: &str) -> Result<Option<SecretBytes>> {
            drop(self.0.lock());
            Ok(None)
        }
        fn write(&self, _: &str, _: &str, _: &SecretBytes) -> Result<()> {
            drop(self.0.lock());
            Ok(())
        }
        fn remove(&self, _: &str, _: &str) -> Result<()> {
            drop(self.0.lock());
            Ok(())
        }
    }

    #[test]
    fn a_frozen_keychain_is_a_typed_error_and_works_again_when_it_thaws() {
        let frozen = Arc::new(Frozen(Mutex::new(())));
        let keychain = Deadline::new(Arc::clone(&frozen), Duration::from_millis(50));
        let gate = frozen.0.lock();
        let started = Instant::now();
        let error = keychain.read("id", "root").err();
        assert_eq!(error, Some(Error::KeychainTimeout { timeout_ms: 50 }));
        assert!(started.elapsed() >= Duration::from_millis(50));
        let held: Held = Arc::new(());
        let writing =
            keychain.write_holding("id", "root", &SecretBytes::new(vec![1]), Arc::clone(&held));
        assert!(writing.is_err() && Arc::strong_count(&held) == 2);
        drop(gate);
        while Arc::strong_count(&held) == 2 {
            std::thread::yield_now();
        }
        assert!(keychain.read("id", "root").is_ok_and(|item| item.is_none()));
    }
}
