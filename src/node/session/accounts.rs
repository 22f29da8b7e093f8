//! The accounts that have a session in one vault, for JavaScript.

use super::super::argument::{Argument, Text};
use super::super::promise::{or_rejected, promise_blocking};
use super::super::vault::Vault;
use super::AuthSession;
use super::snapshot::User;
use crate::session::accounts;
use napi::bindgen_prelude::{ClassInstance, Env, PromiseRaw, Result};
use napi_derive::napi;

/// An account that the vault knows.
#[napi(object)]
#[derive(Debug)]
pub struct Account {
    /// The name its session is opened with.
    pub name: String,
    /// Who is, or was, signed in.
    pub user: User,
    /// Whether its session has not ended.
    pub signed_in: bool,
    /// Whether it is the one at the front.
    pub active: bool,
}

#[napi]
impl AuthSession {
    /// The accounts that have a session in `vault`, sorted by name. A session that was opened without `account` is not among
    /// them.
    ///
    /// Rejects with the vault's errors.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<Account>>")]
    pub fn accounts<'env>(
        env: &'env Env,
        #[napi(ts_arg_type = "Vault")] vault: Argument<ClassInstance<'env, Vault>>,
    ) -> Result<PromiseRaw<'env, Vec<Account>>> {
        let begun = vault.parse("vault", "a Vault").map(|vault| {
            let vault = vault.vault.clone();
            promise_blocking(
                env,
                move || accounts::accounts(&vault),
                |_, accounts| Ok(accounts.into_iter().map(Into::into).collect()),
            )
        });
        or_rejected(env, begun)
    }

    /// Puts an account at the front: the one that a start of the application shows first. Durable, and for every process.
    ///
    /// Rejects with `ERR_INVALID_ARGUMENT`, and the vault's errors.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn activate<'env>(
        env: &'env Env,
        #[napi(ts_arg_type = "Vault")] vault: Argument<ClassInstance<'env, Vault>>,
        #[napi(ts_arg_type = "string")] account: Argument<Text>,
    ) -> Result<PromiseRaw<'env, ()>> {
        let begun = vault.parse("vault", "a Vault").and_then(|vault| {
            let Text(account) = account.parse("account", "a string")?;
            let vault = vault.vault.clone();
            let activate = move || accounts::activate(&vault, &account);
            Ok(promise_blocking(env, activate, |_, ()| Ok(())))
        });
        or_rejected(env, begun)
    }
}

impl From<accounts::Account> for Account {
    fn from(account: accounts::Account) -> Self {
        Self {
            name: account.name,
            user: account.user.into(),
            signed_in: account.signed_in,
            active: account.active,
        }
    }
}
