//! What should not have happened to a session, for JavaScript.

use super::super::argument::Argument;
use super::super::error::to_js;
use super::super::listener::{Listener, listen};
use super::super::promise::{or_rejected, promise_blocking};
use super::super::vault::Vault;
use super::AuthSession;
use crate::Error;
use crate::session::audit;
use napi::bindgen_prelude::{ClassInstance, Env, Function, PromiseRaw, Result};
use napi_derive::napi;

/// Something that happened to a session and should not. Holds no token.
#[napi(object)]
#[derive(Debug)]
pub struct Anomaly {
    /// What it was. `refreshRejected`: the server refused a refresh token that was sent once, so it was revoked or used by
    /// somebody else. `refreshUnanswered`: one was sent and no answer came. `tooManyRefreshes`: tokens were renewed again and
    /// again long before their end. `rolledBack`, `tampered`: the vault file was replaced by an older one, or changed.
    /// `keyReplaced`: the key in the keychain is gone or another. `clockSetBack`: the local clock was set back.
    /// `unknownSender`: a page that may not use the session tried to. `invalidCall`: a page called with what no call takes, or
    /// asked for something of an origin that is not allowed. `tooManyCalls`: a page called more often than people do.
    #[napi(
        ts_type = "'refreshRejected' | 'refreshUnanswered' | 'tooManyRefreshes' | 'rolledBack' | 'tampered' | 'keyReplaced' | 'clockSetBack' | 'unknownSender' | 'invalidCall' | 'tooManyCalls'"
    )]
    pub kind: String,
    /// When it happened last, in milliseconds since 1970 by the local clock.
    pub at_ms: f64,
    /// How often it has happened since one of its kind was last written down, which is done once a minute at most.
    pub count: u32,
}

#[napi]
impl AuthSession {
    /// Calls `listener` with every anomaly from now on. Returns a function that stops it.
    ///
    /// Listening does not keep the process alive. Throws `ERR_INVALID_ARGUMENT`.
    #[napi(catch_unwind, ts_return_type = "() => void")]
    pub fn on_anomaly<'env>(
        &self,
        env: &'env Env,
        #[napi(ts_arg_type = "(anomaly: Anomaly) => void")] listener: Argument<Listener<'env>>,
    ) -> Result<Function<'env, (), ()>> {
        let session = &self.session;
        listen(env, listener, || Ok(session.anomalies()), Anomaly::from)
    }

    /// Reports an anomaly that the application has seen, such as a message from a page that may not use the session.
    ///
    /// Throws `ERR_INVALID_ARGUMENT`.
    #[napi(catch_unwind)]
    pub fn report_anomaly(
        &self,
        env: &Env,
        #[napi(ts_arg_type = "'unknownSender' | 'invalidCall' | 'tooManyCalls'")] kind: Argument<
            String,
        >,
    ) -> Result<()> {
        let name = kind
            .parse("kind", "a string")
            .map_err(|error| to_js(env, &error))?;
        let kind = audit::AnomalyKind::reported_as(&name).ok_or_else(|| {
            let message = "kind must be 'unknownSender', 'invalidCall' or 'tooManyCalls'.";
            to_js(env, &Error::InvalidArgument(message.to_owned()))
        })?;
        self.session.report(kind);
        Ok(())
    }

    /// The anomalies that the vault keeps, oldest first: the last 100.
    ///
    /// Rejects with the vault's errors.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<Anomaly>>")]
    pub fn audit<'env>(
        env: &'env Env,
        #[napi(ts_arg_type = "Vault")] vault: Argument<ClassInstance<'env, Vault>>,
    ) -> Result<PromiseRaw<'env, Vec<Anomaly>>> {
        let begun = vault.parse("vault", "a Vault").map(|vault| {
            let vault = vault.vault.clone();
            promise_blocking(
                env,
                move || audit::anomalies(&vault),
                |_, anomalies| Ok(anomalies.into_iter().map(Into::into).collect()),
            )
        });
        or_rejected(env, begun)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 stay below 2^53"
)]
impl From<audit::Anomaly> for Anomaly {
    fn from(anomaly: audit::Anomaly) -> Self {
        Self {
            kind: anomaly.kind.name().to_owned(),
            at_ms: anomaly.at_ms as f64,
            count: anomaly.count,
        }
    }
}
