//! A keychain in memory, for tests, which can be told its next error.
#![forbid(unsafe_code)]

use super::{Backend, Keychain};
use crate::secret::SecretBytes;
use crate::{Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

type Items = HashMap<(String, String), Vec<u8>>;

/// Items that live as long as the last clone of this value. Clones share their items.
#[derive(Debug, Clone, Default)]
pub struct MemoryKeychain(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    items: Items,
    fault: Option<Error>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} items, fault: {:?}", self.items.len(), self.fault)
    }
}

impl MemoryKeychain {
    /// Makes every call fail with `error`, until told otherwise with `None`.
    pub fn fail_with(&self, error: Option<Error>) {
        self.state().fault = error;
    }

    /// How many items are stored.
    #[must_use]
    pub fn len(&self) -> usize {
        self.state().items.len()
    }

    /// Whether nothing is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // Nothing panics while the lock is held, and the map is valid after any statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn working(&self) -> Result<std::sync::MutexGuard<'_, State>> {
        let state = self.state();
        match &state.fault {
            Some(error) => Err(error.clone()),
            None => Ok(state),
        }
    }
}

fn name(vault_id: &str, item: &str) -> (String, String) {
    (vault_id.to_owned(), item.to_owned())
}

impl Keychain for MemoryKeychain {
    fn backend(&self) -> Backend {
        Backend::Memory
    }

    fn read(&self, vault_id: &str, item: &str) -> Result<Option<SecretBytes>> {
        let state = self.working()?;
        Ok(state
            .items
            .get(&name(vault_id, item))
            .map(|bytes| SecretBytes::new(bytes.clone())))
    }

    fn write(&self, vault_id: &str, item: &str, secret: &SecretBytes) -> Result<()> {
        let bytes = secret.expose().to_vec();
        self.working()?.items.insert(name(vault_id, item), bytes);
        Ok(())
    }

    fn remove(&self, vault_id: &str, item: &str) -> Result<()> {
        self.working()?.items.remove(&name(vault_id, item));
        Ok(())
    }
}
