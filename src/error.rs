//! The one error type of the crate and its stable codes.
//!
//! Callers match on [`Error::code`], never on the message. A code never changes its meaning. Messages say
//! what happened and what to do; they never hold a token, a body, a URL query or a file's content.

use std::io;

/// Everything that can go wrong, one variant for each thing a caller can do something different about.
///
/// The value is cheap to clone: one failed refresh is handed to every caller that waited for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument is not of the form the call takes.
    #[error("{0}")]
    InvalidArgument(String),
    /// The addon was loaded in a renderer, a preload script or a worker of a web page.
    #[error(
        "electron-latchkey was loaded in a '{0}' process. Load it in Electron's main process only, and reach it from pages through electron-latchkey/preload."
    )]
    WrongProcess(String),

    /// No credential service answers: no session bus, no secret service, no login session.
    #[error(
        "No OS keychain is available ({0}). On Linux install and start a Secret Service such as gnome-keyring or KWallet, then try again."
    )]
    KeychainUnavailable(String),
    /// The keychain exists but is locked, and was not unlocked.
    #[error("The OS keychain is locked. Ask the person to unlock it, then try again.")]
    KeychainLocked,
    /// The person or a policy refused access.
    #[error("Access to the OS keychain was refused. Ask the person to allow it, then try again.")]
    KeychainDenied,
    /// The keychain did not answer within the deadline.
    #[error(
        "The OS keychain did not answer within {timeout_ms} ms. It may be waiting for a password; try again once it is unlocked."
    )]
    KeychainTimeout {
        /// The deadline that passed, in milliseconds.
        timeout_ms: u64,
    },
    /// More than one keychain item matches this vault.
    #[error(
        "The OS keychain holds more than one key for this vault. Remove the wrong item in the keychain's own application; Latchkey will not choose."
    )]
    KeychainAmbiguous,
    /// The keychain answered with an error that is none of the others.
    #[error("The OS keychain failed ({0}). Try again.")]
    KeychainFailed(String),

    /// A vault file exists, but its root key is not in the keychain.
    #[error(
        "The vault's key is not in the OS keychain, but the vault file exists{}. Nothing was changed. Restore the keychain item, recover from a recovery copy, or move the file away to start with an empty vault.",
        .desktops.as_ref().map(|desktops| format!(" ({desktops})")).unwrap_or_default()
    )]
    KeyMissing {
        /// Where the desktop was changed since the file was made: both names. Another desktop often has another keyring.
        desktops: Option<String>,
    },
    /// The key in the keychain is not the one that sealed the vault file.
    #[error(
        "The key in the OS keychain does not fit the vault file ({0}). Nothing was changed. Restore the matching keychain item or the matching file."
    )]
    KeyInvalid(&'static str),

    /// The vault is protected in another way than it was opened with.
    #[error(
        "The vault is protected by {0}, and was opened with the other. Latchkey never weakens a vault silently: open it as it was made, or export a recovery copy and recover from it."
    )]
    ProtectionMismatch(&'static str),
    /// The passphrase is not the one that sealed the vault or the recovery copy.
    #[error("The passphrase does not fit. Ask for it again; nothing was changed.")]
    InvalidPassphrase,
    /// The file is older than the last sign-in, sign-out or key rotation.
    #[error(
        "The vault file is an older copy: something was signed in, signed out or rotated since. It is kept as it is. Open it with allowRollback if the person restored it on purpose."
    )]
    VaultRolledBack,

    /// The file was changed by something other than Latchkey.
    #[error(
        "The vault file does not verify ({0}). It was changed outside Latchkey and is kept as it is; restore a copy, or move it away to start anew."
    )]
    VaultTampered(&'static str),
    /// The file is not a vault, or is damaged beyond reading.
    #[error(
        "The vault file is not readable as a vault ({0}). It is kept as it is; restore a copy, or move it away to start anew."
    )]
    VaultCorrupt(&'static str),
    /// The file was written by a newer version.
    #[error(
        "The vault file has format version {found}, this Latchkey reads up to version {supported}. Update electron-latchkey."
    )]
    VaultVersion {
        /// The version in the file.
        found: u16,
        /// The newest version this build reads.
        supported: u16,
    },
    /// The file belongs to a vault with another id.
    #[error(
        "The vault file belongs to another vault id. Open it with the id it was made with, or choose another path."
    )]
    VaultForeign,
    /// Another process held the lock for longer than the wait allows, or a keychain call did that has not ended.
    #[error(
        "The vault's lock is held for more than {waited_ms} ms, by another process or a keychain call that hangs. Try again."
    )]
    VaultBusy {
        /// How long this call waited, in milliseconds.
        waited_ms: u64,
    },
    /// A file operation failed; the vault on disk and in memory is the one before the call.
    #[error("Could not {action}: {reason}. Nothing was changed.")]
    VaultIo {
        /// What was being done, as a verb phrase.
        action: &'static str,
        /// The operating system's reason.
        reason: String,
    },
    /// The vault was closed.
    #[error("The vault is closed. Open it again before using it.")]
    VaultClosed,
    /// What was given to be decrypted is not sealed by this vault or by Electron, or was changed.
    #[error(
        "The value could not be decrypted: {0}. Nothing was changed. Keep it: the vault, or the keyring, that it was sealed with may come back."
    )]
    DecryptionFailed(&'static str),
    /// Something to be imported is there and cannot be read, or could not be put aside.
    #[error(
        "An import's source failed while it was to {action} ({reason}). Import again once it can be."
    )]
    ImportSource {
        /// What was being done.
        action: &'static str,
        /// The operating system's words.
        reason: String,
    },

    /// Wrong e-mail or password. The server does not say which.
    #[error("The e-mail address or the password is not right.")]
    InvalidCredentials,
    /// Sign-up with an address that has an account.
    #[error("An account with this e-mail address exists. Sign in instead.")]
    UserExists,
    /// The server refused the password as too short, too long or too common.
    #[error("The server refused this password as too weak: {0}.")]
    WeakPassword(&'static str),
    /// The account's e-mail address must be verified first.
    #[error(
        "The e-mail address is not verified yet. Follow the link in the message that was sent."
    )]
    EmailNotVerified,
    /// The server asks to slow down.
    #[error("The server asks to slow down. Try again{}.", retry_hint(*.retry_after_ms))]
    RateLimited {
        /// The server's own `Retry-After`, in milliseconds, where it gave one.
        retry_after_ms: Option<u64>,
    },
    /// The server locked the account for a while, after too many wrong codes or passwords.
    #[error("The account is locked after too many wrong tries. Try again{}.", retry_hint(*.retry_after_ms))]
    AccountLocked {
        /// How long the server says, in milliseconds, where it does.
        retry_after_ms: Option<u64>,
    },
    /// The server refused the sign-in for a reason of its own.
    #[error("The server refused the sign-in (HTTP {status}, {reason}).")]
    SignInRejected {
        /// The HTTP status.
        status: u16,
        /// The server's error code: `[A-Z0-9_]`, at most 64 characters.
        reason: String,
    },
    /// The provider cannot do what was asked.
    #[error("This provider does not support {0}. See its page in docs/providers.")]
    NotSupported(&'static str),
    /// The code that the person typed is wrong.
    #[error("The code is not right. Ask for it again.")]
    InvalidCode,
    /// The sign-in took too long, or had too many wrong codes.
    #[error("This sign-in is over. Begin it anew.")]
    SignInExpired,
    /// No sign-in that waits has this identifier or callback state.
    #[error(
        "No sign-in waits for this. It was completed, cancelled or begun elsewhere; begin it anew."
    )]
    SignInNotFound,
    /// The application gave the sign-in up.
    #[error("The sign-in was cancelled.")]
    SignInCancelled,
    /// An address that the browser came back with is none of ours, or not of the form it should have.
    #[error("The address that came back is not the callback of a sign-in ({0}). It was ignored.")]
    CallbackInvalid(&'static str),
    /// The person, or the server on its own, refused.
    #[error("The sign-in was refused in the browser ({0}).")]
    AccessDenied(String),
    /// The ID token does not prove what it should.
    #[error("The server's ID token does not hold ({0}). The sign-in was dropped.")]
    IdTokenInvalid(&'static str),
    /// The server wants to see the person first.
    #[error(
        "The server wants the person to prove again who they are ({0}). Sign in with method 'browser' or 'stepUp'; nothing was signed out."
    )]
    StepUpRequired(String),
    /// The server wants a second factor.
    #[error("The server asks for a second factor, which this sign-in does not carry.")]
    SecondFactorRequired,
    /// The call needs a signed-in session and there is none.
    #[error("Nobody is signed in. Sign in first.")]
    NotSignedIn,
    /// The server ended the session.
    #[error("The session has ended. Ask the person to sign in again.")]
    SessionExpired,
    /// The session is locked.
    #[error("The session is locked. Unlock it first.")]
    SessionLocked,
    /// A refresh token that serves once was sent before, and no answer came.
    #[error(
        "The session's refresh token was sent, and the server's answer was lost: it may be spent. Ask the person to sign in again, or to try it once more with refresh({{ retryUnanswered: true }})."
    )]
    RefreshUnanswered,
    /// The session object was closed.
    #[error("The session is closed. Open it again before using it.")]
    SessionClosed,
    /// A sign-out or another sign-in came between.
    #[error("A sign-out or another sign-in happened meanwhile, so this call's result was dropped.")]
    Superseded,

    /// The server could not be reached, or the connection broke.
    #[error("The server could not be reached ({reason}). Check the connection and try again.")]
    Network {
        /// What failed.
        reason: &'static str,
        /// Whether the server may have received the request: all of it, or a part. See [`Error::was_never_sent`].
        sent: bool,
    },
    /// The server did not answer in time.
    #[error("The server did not answer within {timeout_ms} ms. Try again.")]
    Timeout {
        /// The limit that passed, in milliseconds.
        timeout_ms: u64,
        /// Whether the server may have received the request: all of it, or a part. See [`Error::was_never_sent`].
        sent: bool,
    },
    /// The server did not prove to be who it should, or spoke no TLS: before anything of the request was sent.
    #[error("The connection was not made: {0}.")]
    Tls(TlsFault),
    /// A URL of http whose host is not this machine: what is sent there can be read on the way.
    #[error("'http://{0}' may not carry a token. Use https; http is for loopback addresses only.")]
    InsecureUrl(String),
    /// The server answered 5xx.
    #[error("The server failed (HTTP {status}). Try again later.")]
    Server {
        /// The HTTP status.
        status: u16,
    },
    /// The answer is not what the provider's protocol says.
    #[error(
        "The server's answer is not what this provider sends ({0}). Check the provider's base URL."
    )]
    UnexpectedResponse(&'static str),
    /// The token may not go to this origin.
    #[error(
        "Requests to '{0}' are not allowed. Add the origin to allowedOrigins if it may receive the access token."
    )]
    OriginNotAllowed(String),
    /// The answer is larger than the limit.
    #[error("The answer is larger than {limit_bytes} bytes.")]
    ResponseTooLarge {
        /// The limit, in bytes.
        limit_bytes: u64,
    },
    /// The application gave the request up.
    #[error("The request was aborted. It may have reached the server.")]
    Aborted,
    /// A broken promise inside Latchkey.
    #[error("Latchkey failed internally ({0}). Please report this with the steps that led to it.")]
    Internal(&'static str),
}

/// Why a server was not spoken to over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsFault {
    /// The certificate is for another name.
    #[error("the server's certificate is for another host")]
    Hostname,
    /// The certificate is not valid at this time.
    #[error("the server's certificate has expired or is not valid yet. Check this device's clock")]
    Expired,
    /// Nobody who is trusted vouches for the certificate.
    #[error("the server's certificate is not of an authority that is trusted here")]
    Untrusted,
    /// There was no handshake, or one that failed for another reason.
    #[error("the TLS handshake failed")]
    Handshake,
}

/// A result with the crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! codes {
    ($($pattern:pat => $code:literal,)+) => {
        /// Every code [`Error::code`] can return, in the order of the variants.
        pub const CODES: &[&str] = &[$($code),+];

        impl Error {
            /// The stable code, `ERR_…`. Match on this, never on the message.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self { $($pattern => $code,)+ }
            }
        }
    };
}

codes! {
    Error::InvalidArgument(_) => "ERR_INVALID_ARGUMENT",
    Error::WrongProcess(_) => "ERR_WRONG_PROCESS",
    Error::KeychainUnavailable(_) => "ERR_KEYCHAIN_UNAVAILABLE",
    Error::KeychainLocked => "ERR_KEYCHAIN_LOCKED",
    Error::KeychainDenied => "ERR_KEYCHAIN_DENIED",
    Error::KeychainTimeout { .. } => "ERR_KEYCHAIN_TIMEOUT",
    Error::KeychainAmbiguous => "ERR_KEYCHAIN_AMBIGUOUS",
    Error::KeychainFailed(_) => "ERR_KEYCHAIN_FAILED",
    Error::KeyMissing { .. } => "ERR_KEY_MISSING",
    Error::KeyInvalid(_) => "ERR_KEY_INVALID",
    Error::ProtectionMismatch(_) => "ERR_PROTECTION_MISMATCH",
    Error::InvalidPassphrase => "ERR_INVALID_PASSPHRASE",
    Error::VaultRolledBack => "ERR_VAULT_ROLLED_BACK",
    Error::VaultTampered(_) => "ERR_VAULT_TAMPERED",
    Error::VaultCorrupt(_) => "ERR_VAULT_CORRUPT",
    Error::VaultVersion { .. } => "ERR_VAULT_VERSION",
    Error::VaultForeign => "ERR_VAULT_FOREIGN",
    Error::VaultBusy { .. } => "ERR_VAULT_BUSY",
    Error::VaultIo { .. } => "ERR_VAULT_IO",
    Error::VaultClosed => "ERR_VAULT_CLOSED",
    Error::DecryptionFailed(_) => "ERR_DECRYPTION_FAILED",
    Error::ImportSource { .. } => "ERR_IMPORT_SOURCE",
    Error::InvalidCredentials => "ERR_INVALID_CREDENTIALS",
    Error::UserExists => "ERR_USER_EXISTS",
    Error::WeakPassword(_) => "ERR_WEAK_PASSWORD",
    Error::EmailNotVerified => "ERR_EMAIL_NOT_VERIFIED",
    Error::RateLimited { .. } => "ERR_RATE_LIMITED",
    Error::AccountLocked { .. } => "ERR_ACCOUNT_LOCKED",
    Error::SignInRejected { .. } => "ERR_SIGN_IN_REJECTED",
    Error::NotSupported(_) => "ERR_NOT_SUPPORTED",
    Error::InvalidCode => "ERR_INVALID_CODE",
    Error::SignInExpired => "ERR_SIGN_IN_EXPIRED",
    Error::SignInNotFound => "ERR_SIGN_IN_NOT_FOUND",
    Error::SignInCancelled => "ERR_SIGN_IN_CANCELLED",
    Error::CallbackInvalid(_) => "ERR_CALLBACK_INVALID",
    Error::AccessDenied(_) => "ERR_ACCESS_DENIED",
    Error::IdTokenInvalid(_) => "ERR_ID_TOKEN_INVALID",
    Error::StepUpRequired(_) => "ERR_STEP_UP_REQUIRED",
    Error::SecondFactorRequired => "ERR_SECOND_FACTOR_REQUIRED",
    Error::NotSignedIn => "ERR_NOT_SIGNED_IN",
    Error::SessionExpired => "ERR_SESSION_EXPIRED",
    Error::SessionLocked => "ERR_SESSION_LOCKED",
    Error::RefreshUnanswered => "ERR_REFRESH_UNANSWERED",
    Error::SessionClosed => "ERR_SESSION_CLOSED",
    Error::Superseded => "ERR_SUPERSEDED",
    Error::Network { .. } => "ERR_NETWORK",
    Error::Timeout { .. } => "ERR_TIMEOUT",
    Error::Tls(TlsFault::Handshake) => "ERR_TLS",
    Error::Tls(TlsFault::Hostname) => "ERR_TLS_HOSTNAME",
    Error::Tls(TlsFault::Expired) => "ERR_TLS_EXPIRED",
    Error::Tls(TlsFault::Untrusted) => "ERR_TLS_UNTRUSTED",
    Error::InsecureUrl(_) => "ERR_INSECURE_URL",
    Error::Server { .. } => "ERR_SERVER",
    Error::UnexpectedResponse(_) => "ERR_UNEXPECTED_RESPONSE",
    Error::OriginNotAllowed(_) => "ERR_ORIGIN_NOT_ALLOWED",
    Error::ResponseTooLarge { .. } => "ERR_RESPONSE_TOO_LARGE",
    Error::Aborted => "ERR_ABORTED",
    Error::Internal(_) => "ERR_INTERNAL",
}

impl Error {
    /// Whether the request that failed so is known not to have reached a server: no connection came about (no address, refused, no answer to the connection attempt, TLS handshake failed, proxy refused).
    ///
    /// `false` is not the opposite, but "unknown": a connection that broke, or a wait that ended, after the first byte may
    /// have been written. On a kept-alive connection that the server had closed that is what it looks like, too.
    #[must_use]
    pub fn was_never_sent(&self) -> bool {
        matches!(
            self,
            Self::Network { sent: false, .. } | Self::Timeout { sent: false, .. } | Self::Tls(_)
        )
    }

    /// Whether the server may say something else when it is asked again.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Network { .. }
                | Self::Timeout { .. }
                | Self::Tls(_)
                | Self::Server { .. }
                | Self::RateLimited { .. }
        )
    }

    /// Wraps an I/O error of the vault with what was being done.
    pub(crate) fn vault_io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        // An io::Error of the standard library names an OS error and no content.
        move |error| Self::VaultIo {
            action,
            reason: error.to_string(),
        }
    }
}

fn retry_hint(retry_after_ms: Option<u64>) -> String {
    match retry_after_ms {
        Some(ms) => format!(" in {} s", ms.div_ceil(1000)),
        None => " in a while".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_code_is_distinct_and_well_formed() {
        let distinct: HashSet<_> = CODES.iter().collect();
        assert_eq!(distinct.len(), CODES.len());
        for code in CODES {
            assert!(code.starts_with("ERR_"), "{code}");
            assert!(
                code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'),
                "{code}"
            );
        }
    }

    #[test]
    fn messages_tell_what_to_do() {
        let busy = Error::VaultBusy { waited_ms: 5000 };
        assert_eq!(busy.code(), "ERR_VAULT_BUSY");
        assert!(busy.to_string().contains("5000 ms"));
        let limited = Error::RateLimited {
            retry_after_ms: Some(1500),
        };
        assert_eq!(
            limited.to_string(),
            "The server asks to slow down. Try again in 2 s."
        );
    }
}
