//! The errors of the libraries below as ours: what failed, and whether the server may have received the request.
#![forbid(unsafe_code)]

use super::body::BrokenUpload;
use crate::{Error, TlsFault};
use rustls::CertificateError;
use std::time::Duration;

/// Nothing came within `timeout`.
pub(super) fn timed_out(timeout: Duration) -> Error {
    Error::Timeout {
        timeout_ms: millis(timeout),
        sent: true,
    }
}

pub(super) fn translate(error: &reqwest::Error, connect_timeout: Duration) -> Error {
    if let Some(fault) = find_cause::<BrokenUpload>(error) {
        return (*fault).into();
    }
    // Of a connection that was being made: address, TCP, a proxy's tunnel, TLS. The request is written after all of it.
    let sent = !error.is_connect();
    let tls = find_cause::<rustls::Error>(error);
    if let (Some(cause), false) = (tls, sent) {
        return Error::Tls(tls_fault(cause));
    }
    // Only the connection has a limit down there.
    if error.is_timeout() {
        return Error::Timeout {
            timeout_ms: millis(connect_timeout),
            sent,
        };
    }
    // The error's own text would name the URL, query included.
    let reason = if !sent {
        "no connection"
    } else if tls.is_some() {
        "the TLS connection broke"
    } else if error.is_body() || error.is_decode() {
        "the exchange broke off"
    } else {
        "the connection broke"
    };
    Error::Network { reason, sent }
}

fn tls_fault(error: &rustls::Error) -> TlsFault {
    let rustls::Error::InvalidCertificate(reason) = error else {
        return TlsFault::Handshake;
    };
    match reason {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFault::Hostname
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => TlsFault::Expired,
        // Of nobody's, of its own, revoked, for another purpose, or broken: nobody vouches for it.
        _ => TlsFault::Untrusted,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn find_cause<'a, T: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a T> {
    let mut current = Some(error);
    while let Some(cause) = current {
        if let Some(found) = cause.downcast_ref::<T>() {
            return Some(found);
        }
        // An io::Error shows its inner error's source, not the inner error itself.
        if let Some(inner) = cause
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            && let Some(found) = find_cause(inner)
        {
            return Some(found);
        }
        current = cause.source();
    }
    None
}
