//! Several people signed in to one application at once: each with a session of their own, one of them at the front.
#![forbid(unsafe_code)]

use super::record::{ACCOUNT_PREFIX, account_of, any_user};
use crate::provider::User;
use crate::secret::SecretString;
use crate::vault::{Edit, Value, Vault};
use crate::{Error, Result};

const ACTIVE_KEY: &str = "active-account";
/// The longest name of an account, in bytes.
pub const MAX_ACCOUNT_BYTES: usize = 256;

/// An account that the vault knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name that its session is opened with.
    pub name: String,
    /// Who is, or was, signed in.
    pub user: User,
    /// Whether its session has tokens: it has not ended.
    pub signed_in: bool,
    /// Whether it is the one at the front.
    pub active: bool,
}

/// The accounts that have a session in the vault, sorted by name. Reads no token.
///
/// # Errors
/// The vault's, and `ERR_VAULT_CORRUPT`.
pub fn accounts(vault: &Vault) -> Result<Vec<Account>> {
    let active = active(vault)?;
    let mut accounts = Vec::new();
    for key in vault.record_keys(ACCOUNT_PREFIX)? {
        let Some(name) = account_of(&key) else {
            continue;
        };
        // Signed out by another process since the names were read.
        let (Some(Value::Text(text)), _) = vault.record(&key)? else {
            continue;
        };
        let (user, signed_in) = any_user(&text)?;
        accounts.push(Account {
            name: name.to_owned(),
            user,
            signed_in,
            active: active.as_deref() == Some(name),
        });
    }
    Ok(accounts)
}

/// The account at the front, `None` when none was put there.
///
/// # Errors
/// The vault's.
pub fn active(vault: &Vault) -> Result<Option<String>> {
    Ok(match vault.record(ACTIVE_KEY)?.0 {
        Some(Value::Text(name)) => Some(name.expose().to_owned()),
        _ => None,
    })
}

/// Puts an account at the front, durably, for every process.
///
/// # Errors
/// `ERR_INVALID_ARGUMENT`, and the vault's.
pub fn activate(vault: &Vault, name: &str) -> Result<()> {
    check_name(name)?;
    let value = Value::Text(SecretString::new(name.to_owned()));
    let edit = Edit::default().put(ACTIVE_KEY, value);
    vault.edit_records(|_| Ok(Some(edit))).map(|_| ())
}

/// Checks the name of an account.
///
/// # Errors
/// `ERR_INVALID_ARGUMENT`.
pub(super) fn check_name(name: &str) -> Result<()> {
    if (1..=MAX_ACCOUNT_BYTES).contains(&name.len()) {
        return Ok(());
    }
    Err(Error::InvalidArgument(format!(
        "account must have 1 to {MAX_ACCOUNT_BYTES} bytes of UTF-8."
    )))
}
