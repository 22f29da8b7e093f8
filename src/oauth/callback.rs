//! The address that the browser comes back with. Any web page and any program can send one, so it is hostile until a
//! sign-in is found that it answers.
#![forbid(unsafe_code)]

use crate::http::{Origin, Url};
use crate::{Error, Result};
use std::fmt;
use zeroize::Zeroizing;

/// The longest address that is looked at, in bytes. Codes are a few hundred; a JWT as a code a few thousand.
const MOST_BYTES: usize = 8 * 1024;
/// The most parameters in the query, and in the fragment.
const MOST_PARAMETERS: usize = 32;

/// A callback address, parsed and bounded.
#[derive(PartialEq, Eq)]
pub struct Callback {
    /// Without query and fragment.
    address: Url,
    query: Parameters,
    fragment: Parameters,
    is_bare: bool,
}

/// Names and values, each name once. The values may be secrets.
#[derive(PartialEq, Eq, Default)]
struct Parameters(Vec<(String, Zeroizing<String>)>);

impl Callback {
    /// Parses an absolute address of a private scheme, of https, or of http on loopback (RFC 8252 section 7): at most 8 KiB
    /// of printable ASCII without a user's name, each parameter once (RFC 6749 section 3.1) and of whole characters, none
    /// of them a control character.
    ///
    /// # Errors
    /// `ERR_CALLBACK_INVALID`, without the text.
    pub fn parse(text: &str) -> Result<Self> {
        if text.len() > MOST_BYTES {
            return Err(invalid("too long"));
        }
        // A parser for the web would drop or convert some of these, and what was compared would not be what came.
        if !text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
            return Err(invalid("characters that no address has"));
        }
        let mut address = Url::parse(text).map_err(|_| invalid("not an absolute address"))?;
        if !may_come_back(&address) {
            return Err(invalid("not an address of an application"));
        }
        if !address.username().is_empty() || address.password().is_some() {
            return Err(invalid("with a user's name"));
        }
        let query = Parameters::parse(address.query().unwrap_or_default())?;
        let fragment = Parameters::parse(address.fragment().unwrap_or_default())?;
        address.set_query(None);
        address.set_fragment(None);
        Ok(Self {
            address,
            query,
            fragment,
            is_bare: false,
        })
    }

    /// What a person pasted, where the browser could not come back by itself: the whole address, or the code alone. A code
    /// alone becomes the answer to the sign-in that waits at `redirect_uri` with `state`.
    ///
    /// # Errors
    /// `ERR_CALLBACK_INVALID`.
    pub fn pasted(text: &str, redirect_uri: &str, state: &str) -> Result<Self> {
        let text = text.trim();
        let mut callback = Self::parse(redirect_uri)?;
        let scheme = format!("{}:", callback.address.scheme());
        if text.contains("://") || text.starts_with(&scheme) {
            return Self::parse(text);
        }
        if text.is_empty() || text.len() > MOST_BYTES {
            return Err(invalid("not a code"));
        }
        // RFC 6749 appendix A.11: visible characters.
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(invalid("characters that no code has"));
        }
        let parameter = |name: &str, value: &str| (name.to_owned(), value.to_owned().into());
        callback.query = Parameters(vec![parameter("code", text), parameter("state", state)]);
        callback.fragment = Parameters::default();
        callback.is_bare = true;
        Ok(callback)
    }

    /// A parameter of the query, `None` when it is absent.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.query.get(name)
    }

    /// A parameter of the fragment, `None` when it is absent. Never one of the query.
    #[must_use]
    pub fn fragment(&self, name: &str) -> Option<&str> {
        self.fragment.get(name)
    }

    /// Whether a person pasted a code alone, which says nothing more than a code.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.is_bare
    }

    /// The address without query and fragment.
    #[must_use]
    pub fn address(&self) -> &Url {
        &self.address
    }

    /// Whether it came back to `redirect_uri`: same scheme, host, port and path, and the parameters it has of its own.
    #[must_use]
    pub fn is_at(&self, redirect_uri: &str) -> bool {
        let Ok(expected) = Self::parse(redirect_uri) else {
            return false;
        };
        let has = |(name, value): &(String, Zeroizing<String>)| self.get(name) == Some(value);
        same_address(&self.address, &expected.address) && expected.query.0.iter().all(has)
    }
}

/// Browsers and systems write `app://callback` as `app://callback/`, and nothing else differently.
fn same_address(came: &Url, expected: &Url) -> bool {
    fn path(url: &Url) -> &str {
        match url.path() {
            "" if url.has_host() => "/",
            path => path,
        }
    }
    came.scheme() == expected.scheme()
        && came.host() == expected.host()
        && came.port_or_known_default() == expected.port_or_known_default()
        && path(came) == path(expected)
}

/// Whether an application can be reached there (RFC 8252 section 7).
fn may_come_back(address: &Url) -> bool {
    match address.scheme() {
        "http" | "https" => Origin::of(address).is_ok(),
        // What a browser, a shell or a page understands in another way.
        "about" | "blob" | "chrome" | "data" | "devtools" | "file" | "ftp" | "javascript"
        | "ws" | "wss" => false,
        _ => !address.cannot_be_a_base(),
    }
}

impl Parameters {
    fn parse(encoded: &str) -> Result<Self> {
        let mut found: Vec<(String, Zeroizing<String>)> = Vec::new();
        for pair in encoded.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if name.is_empty() {
                return Err(invalid("a parameter without a name"));
            }
            if found.iter().any(|(other, _)| *other == *name) {
                return Err(invalid("a parameter twice"));
            }
            if found.len() == MOST_PARAMETERS {
                return Err(invalid("too many parameters"));
            }
            found.push((name.to_string(), value));
        }
        Ok(Self(found))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut parameters = self.0.iter();
        parameters
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Decodes a form field (WHATWG URL, application/x-www-form-urlencoded), strictly: what a lenient parser would leave as it
/// is, or replace, is an error.
fn decode(encoded: &str) -> Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(encoded.len()));
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let escaped = digit().zip(digit()).map(|(high, low)| high * 16 + low);
                escaped
                    .and_then(|value| u8::try_from(value).ok())
                    .ok_or(invalid("a broken escape"))?
            }
            other => other,
        });
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| invalid("not whole characters"))?;
    if text.chars().any(char::is_control) {
        return Err(invalid("a control character"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

fn invalid(what: &'static str) -> Error {
    Error::CallbackInvalid(what)
}

impl fmt::Debug for Callback {
    /// The names and no value: one may be a code or a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |of: &Parameters| -> Vec<String> {
            of.0.iter().map(|(name, _)| name.clone()).collect()
        };
        f.debug_struct("Callback")
            .field("address", &self.address.as_str())
            .field("query", &names(&self.query))
            .field("fragment", &names(&self.fragment))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Callback {
        Callback::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn a_callback_is_an_address_and_its_parameters() {
        let callback = parse("com.example.app:/auth/callback?code=a%2Fb+c&state=s#_=_");
        assert_eq!(
            callback.address().as_str(),
            "com.example.app:/auth/callback"
        );
        assert_eq!(callback.get("code"), Some("a/b c"));
        assert_eq!(callback.get("state"), Some("s"));
        assert_eq!(callback.get("token"), None);
    }

    #[test]
    fn query_and_fragment_are_two_places() {
        let callback = parse("app://auth/callback?state=q#token=t&state=f");
        assert_eq!(callback.get("token"), None);
        assert_eq!(callback.fragment("token"), Some("t"));
        assert_eq!(callback.get("state"), Some("q"));
        assert_eq!(callback.fragment("state"), Some("f"));
    }

    #[test]
    fn private_schemes_https_and_loopback_can_come_back() {
        for good in [
            "app:/x?code=1",
            "app://callback",
            "com.example.app:/",
            "https://example.com/app?code=1",
            "http://127.0.0.1:4711/cb?code=1",
            "http://[::1]:4711/cb",
        ] {
            assert!(Callback::parse(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn hostile_addresses_are_refused() {
        let long = format!("app:/cb?code={}", "x".repeat(MOST_BYTES));
        let many: String = (0..=MOST_PARAMETERS).map(|n| format!("&p{n}=1")).collect();
        let many = format!("app:/cb?{many}");
        for bad in [
            "",
            "code",
            "/cb?code=1",
            "app:cb?code=1",
            "http://example.com/cb?code=1",
            "http://127.0.0.1.example.com/cb?code=1",
            "javascript:alert(1)",
            "javascript://x/%0aalert(1)",
            "data:text/html,x",
            "file:///etc/passwd?code=1",
            "chrome://settings",
            "app://user@host/cb",
            "app://user:secret@host/cb",
            "https://evil@127.0.0.1/cb",
            "app:/cb?code=1&code=2",
            "app:/cb?code=1&c%6fde=2",
            "app:/cb#a=1&a=2",
            "app:/cb?=1",
            "app:/cb?code=%",
            "app:/cb?code=%g0",
            "app:/cb?code=%ff",
            "app:/cb?code=%00",
            "app:/cb?code=a%0d%0ab",
            "app:/cb?code=a\nb",
            "app:/cb?code=a b",
            " app:/cb?code=1",
            "app:/cb?code=é",
            "app:\\cb?code=1",
            "app:/cb\0?code=1",
            &long,
            &many,
        ] {
            let error = Callback::parse(bad).err();
            assert_eq!(
                error.map(|e| e.code()),
                Some("ERR_CALLBACK_INVALID"),
                "{bad}"
            );
        }
    }

    #[test]
    fn it_is_at_the_redirect_address_it_came_back_to_and_no_other() {
        let at = |came: &str, expected: &str| parse(came).is_at(expected);
        assert!(at("app://callback/?code=1", "app://callback"));
        assert!(at("app:/cb?code=1#x", "app:/cb"));
        assert!(at("http://127.0.0.1:80/cb?code=1", "http://127.0.0.1/cb"));
        assert!(at("app:/cb?tenant=a&code=1", "app:/cb?tenant=a"));
        for (came, expected) in [
            ("app:/cb?code=1", "app:/cb2"),
            ("app:/cb/?code=1", "app:/cb"),
            ("app://cb?code=1", "app:/cb"),
            ("app2:/cb?code=1", "app:/cb"),
            ("https://example.com/cb", "app://example.com/cb"),
            ("http://127.0.0.1:81/cb", "http://127.0.0.1:82/cb"),
            ("http://127.0.0.1:81/cb", "http://[::1]:81/cb"),
            ("app:/cb?tenant=b", "app:/cb?tenant=a"),
            ("app:/cb", "not an address"),
        ] {
            assert!(!at(came, expected), "{came} at {expected}");
        }
    }

    #[test]
    fn a_person_pastes_the_address_or_the_code() {
        let pasted = |text| Callback::pasted(text, "app:/cb?x=1", "s");
        let code = pasted(" a/b=c+d \n").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(code.get("code"), Some("a/b=c+d"));
        assert_eq!(code.get("state"), Some("s"));
        assert!(code.is_bare());
        let address = pasted("app:/cb?x=1&code=c&state=t\n").unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(address.get("state"), Some("t"));
        for bad in [
            "",
            "  ",
            "two words",
            "app:/cb?code=%",
            "http://evil.test/?code=1",
        ] {
            assert!(pasted(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_shows_no_value() {
        let shown = format!("{:?}", parse("app:/cb?code=canary#token=canary"));
        assert!(
            !shown.contains("canary") && shown.contains("code"),
            "{shown}"
        );
    }

    proptest! {
        #[test]
        fn whatever_comes_is_parsed_or_refused(text in any::<String>(), tail in "[ -~]{0,80}") {
            let _ = Callback::parse(&text);
            if let Ok(callback) = Callback::parse(&format!("app://host/{tail}")) {
                prop_assert!(callback.address().query().is_none() && callback.address().fragment().is_none());
                prop_assert_eq!(callback.address().scheme(), "app");
            }
        }

        #[test]
        fn every_value_comes_back_as_it_was_encoded(value in "\\PC{0,40}", other in "\\PC{0,40}") {
            let encoded = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("code", &value).append_pair("state", &other).finish();
            let callback = Callback::parse(&format!("app:/cb?{encoded}#{encoded}"));
            let callback = callback.map_err(|e| TestCaseError::fail(e.to_string()))?;
            prop_assert_eq!(callback.get("code"), Some(value.as_str()));
            prop_assert_eq!(callback.fragment("state"), Some(other.as_str()));
        }
    }
}
