//! How connections are made: certificates, proxy, time.
#![forbid(unsafe_code)]

use super::{Url, parse_url};
use crate::{Error, Result};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::time::Duration;

/// How long making a connection may take: name, TCP, a proxy's tunnel, TLS.
const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How connections are made.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    ca_certificates: Vec<CertificateDer<'static>>,
    /// The way out. Default [`ProxyChoice::System`].
    pub proxy: ProxyChoice,
    /// How long making a connection may take: name, TCP, a proxy's tunnel, TLS. Default 10 s.
    pub connect_timeout: Duration,
}

/// The way out to the network. This machine's own addresses are always reached directly.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ProxyChoice {
    /// As the system says: `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`; on macOS and Windows also the settings, without scripts.
    #[default]
    System,
    /// Directly.
    None,
    /// Through this proxy. https goes through a tunnel (CONNECT, RFC 9110 section 9.3.6): the proxy sees no token.
    Url(Url),
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            ca_certificates: Vec::new(),
            proxy: ProxyChoice::System,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT,
        }
    }
}

impl HttpOptions {
    /// Trusts these certificates beside the system's. `pem` holds one or more (RFC 7468 section 5).
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT` when it holds none, or one that cannot be an authority's.
    pub fn trust(&mut self, pem: &str) -> Result<()> {
        let invalid = || {
            Error::InvalidArgument(
                "http.caCertificates must hold certificates in PEM form, beginning with '-----BEGIN CERTIFICATE-----'."
                    .to_owned(),
            )
        };
        let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<std::result::Result<_, _>>()
            .map_err(|_| invalid())?;
        if found.is_empty() {
            return Err(invalid());
        }
        let mut store = RootCertStore::empty();
        for certificate in &found {
            store.add(certificate.clone()).map_err(|_| invalid())?;
        }
        self.ca_certificates.extend(found);
        Ok(())
    }

    pub(super) fn build(&self, direct: bool) -> Result<reqwest::Client> {
        // reqwest aborts without a provider. Another part of the process may have installed one: either serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("electron-latchkey/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.connect_timeout)
            // Followed by ourselves, within one origin.
            .redirect(reqwest::redirect::Policy::none());
        let failed = |_| Error::Internal("the HTTP client could not be built");
        if !self.ca_certificates.is_empty() {
            let certificates = self
                .ca_certificates
                .iter()
                .map(|der| reqwest::Certificate::from_der(der))
                .collect::<std::result::Result<Vec<_>, _>>()
                .map_err(failed)?;
            builder = builder.tls_certs_merge(certificates);
        }
        builder = match &self.proxy {
            _ if direct => builder.no_proxy(),
            ProxyChoice::System => builder,
            ProxyChoice::None => builder.no_proxy(),
            ProxyChoice::Url(url) => {
                builder.proxy(reqwest::Proxy::all(url.clone()).map_err(failed)?)
            }
        };
        builder.build().map_err(failed)
    }
}

impl ProxyChoice {
    /// Parses `system`, `none`, or the URL of a proxy, http or https, with a name and a password if it asks for them.
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT`, without the text: it may hold a password.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "system" => Ok(Self::System),
            "none" => Ok(Self::None),
            url => match parse_url(url) {
                Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Self::Url(url)),
                _ => Err(Error::InvalidArgument(
                    "http.proxy must be 'system', 'none' or a URL such as 'http://proxy.example.com:3128'."
                        .to_owned(),
                )),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_word_or_a_url_of_http() {
        assert_eq!(ProxyChoice::parse("system").ok(), Some(ProxyChoice::System));
        assert_eq!(ProxyChoice::parse("none").ok(), Some(ProxyChoice::None));
        assert!(matches!(
            ProxyChoice::parse("http://name:secret@proxy.test:3128"),
            Ok(ProxyChoice::Url(_))
        ));
        for bad in ["", "direct", "proxy.test:3128", "socks5://proxy.test:1080"] {
            let error = ProxyChoice::parse(bad).err();
            assert_eq!(
                error.map(|e| e.code()),
                Some("ERR_INVALID_ARGUMENT"),
                "{bad}"
            );
        }
    }

    #[test]
    fn what_is_not_a_certificate_is_not_trusted() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let torn = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        for bad in ["", "certificate", key, garbage, torn] {
            let error = HttpOptions::default().trust(bad).err();
            assert_eq!(
                error.map(|e| e.code()),
                Some("ERR_INVALID_ARGUMENT"),
                "{bad}"
            );
        }
    }
}
