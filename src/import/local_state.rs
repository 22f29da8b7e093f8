//! Chromium's key on Windows: base64 of `"DPAPI" ‖ blob` under `os_crypt.encrypted_key` in `Local State`.
//!
//! The file is parsed on every system, so that it is tested; DPAPI itself is Windows only: built, not run.
#![forbid(unsafe_code)]

use crate::secret::SecretBytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// The key as DPAPI sealed it; `None` when the file holds none.
#[cfg_attr(not(windows), allow(dead_code, reason = "tests only"))]
pub(crate) fn sealed_key(file: &[u8]) -> Option<SecretBytes> {
    #[derive(Deserialize)]
    struct LocalState {
        os_crypt: OsCrypt,
    }
    #[derive(Deserialize)]
    struct OsCrypt {
        encrypted_key: String,
    }
    let state: LocalState = serde_json::from_slice(file).ok()?;
    let mut bytes = STANDARD.decode(state.os_crypt.encrypted_key).ok()?;
    bytes.starts_with(b"DPAPI").then(|| {
        bytes.drain(..b"DPAPI".len());
        SecretBytes::new(bytes)
    })
}

/// The key, out of DPAPI; `None` when there is no file, or no key in it.
#[cfg(windows)]
pub(crate) fn key(app: &super::keyrings::ElectronApp) -> crate::Result<Option<SecretBytes>> {
    let Some(path) = &app.local_state else {
        return Ok(None);
    };
    let file = match std::fs::read(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(crate::Error::ImportSource {
                action: "read Local State",
                reason: error.to_string(),
            });
        }
    };
    let Some(sealed) = sealed_key(&file) else {
        return Ok(None);
    };
    // Under another person's log-in DPAPI refuses: then the ciphertexts are reported as damaged.
    let opened = windows_dpapi::decrypt_data(sealed.expose(), windows_dpapi::Scope::User, None);
    Ok(opened.ok().map(SecretBytes::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_found_in_local_state() {
        let sealed = STANDARD.encode(b"DPAPIthe blob");
        let file = format!(r#"{{"browser":{{}},"os_crypt":{{"encrypted_key":"{sealed}"}}}}"#);
        let key = sealed_key(file.as_bytes());
        assert_eq!(
            key.as_ref().map(SecretBytes::expose),
            Some(&b"the blob"[..])
        );
        let other = [&b""[..], b"{}", br#"{"os_crypt":{"encrypted_key":"!"}}"#];
        assert!(other.iter().all(|file| sealed_key(file).is_none()));
    }
}
