//! The few cookies that a client without a cookie store must carry by itself.

use crate::Error;
use crate::Result;
use crate::http::{Request, Response};
use reqwest::header::{COOKIE, HeaderValue, ORIGIN, SET_COOKIE};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Stands for the person between password and second factor.
pub(super) const TWO_FACTOR: &str = "two_factor";
/// Says that the session is not to be prolonged.
const DONT_REMEMBER: &str = "dont_remember";
/// Stands for the second factor on this device.
pub(super) const TRUST_DEVICE: &str = "trust_device";

/// Cookies as they go over the wire, by their whole names: with the server's prefix, and `__Secure-` over https.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Cookies(Vec<Cookie>);

/// One of them.
#[derive(Serialize, Deserialize)]
pub(super) struct Cookie {
    name: String,
    value: Zeroizing<String>,
    /// How long it lives from when it was set, in seconds.
    pub(super) max_age_s: Option<u64>,
}

impl Cookies {
    /// Those that an answer sets to keep, without those that hold a session.
    pub(super) fn set_by(response: &Response) -> Self {
        let mut cookies = Self::default();
        for line in response.headers.get_all(SET_COOKIE) {
            let Some(cookie) = line.to_str().ok().and_then(Cookie::parse) else {
                continue;
            };
            cookies.0.retain(|other| other.name != cookie.name);
            let is_kept = [TWO_FACTOR, DONT_REMEMBER, TRUST_DEVICE]
                .iter()
                .any(|kind| cookie.is(kind));
            if is_kept && !cookie.is_removal() {
                cookies.0.push(cookie);
            }
        }
        cookies
    }

    /// Whether an answer takes the cookie of this kind away.
    pub(super) fn removed_by(response: &Response, kind: &str) -> bool {
        let lines = response.headers.get_all(SET_COOKIE).iter();
        let mut cookies = lines.filter_map(|line| Cookie::parse(line.to_str().ok()?));
        cookies.any(|cookie| cookie.is(kind) && cookie.is_removal())
    }

    pub(super) fn get(&self, kind: &str) -> Option<&Cookie> {
        self.0.iter().find(|cookie| cookie.is(kind))
    }

    /// Takes the cookie of this kind out.
    pub(super) fn take(&mut self, kind: &str) -> Option<Cookie> {
        let index = self.0.iter().position(|cookie| cookie.is(kind))?;
        Some(self.0.remove(index))
    }

    /// Adds these, and the `Origin` that the server demands of whoever sends cookies.
    ///
    /// # Errors
    /// `ERR_UNEXPECTED_RESPONSE` for a cookie that no header can carry.
    pub(super) fn add_to(&self, request: &mut Request, origin: &HeaderValue) -> Result<()> {
        add_to(request, self.0.iter(), origin)
    }
}

impl Cookie {
    /// Reads a `Set-Cookie` field (RFC 6265 section 5.2).
    fn parse(line: &str) -> Option<Self> {
        let mut parts = line.split(';');
        let (name, value) = parts.next()?.split_once('=')?;
        let max_age_s = parts.find_map(|attribute| {
            let (name, value) = attribute.split_once('=')?;
            let is_max_age = name.trim().eq_ignore_ascii_case("max-age");
            // A negative one is over, too.
            is_max_age.then(|| value.trim().parse().unwrap_or(0))
        });
        Some(Self {
            name: name.trim().to_owned(),
            value: Zeroizing::new(value.trim().to_owned()),
            max_age_s,
        })
    }

    /// Better Auth names a cookie `prefix.kind`, with `__Secure-` before that over https.
    fn is(&self, kind: &str) -> bool {
        let rest = self.name.strip_suffix(kind);
        rest.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('.'))
    }

    fn is_removal(&self) -> bool {
        self.value.is_empty() || self.max_age_s == Some(0)
    }

    /// Adds this one, and the `Origin` that the server demands of whoever sends cookies.
    ///
    /// # Errors
    /// `ERR_UNEXPECTED_RESPONSE` for a cookie that no header can carry.
    pub(super) fn add_to(&self, request: &mut Request, origin: &HeaderValue) -> Result<()> {
        add_to(request, std::iter::once(self), origin)
    }
}

fn add_to<'a>(
    request: &mut Request,
    cookies: impl Iterator<Item = &'a Cookie>,
    origin: &HeaderValue,
) -> Result<()> {
    let pairs: Vec<_> = cookies
        .map(|cookie| Zeroizing::new(format!("{}={}", cookie.name, *cookie.value)))
        .collect();
    let pairs: Vec<&str> = pairs.iter().map(|pair| pair.as_str()).collect();
    let mut value = HeaderValue::from_str(&Zeroizing::new(pairs.join("; ")))
        .map_err(|_| Error::UnexpectedResponse("its cookie does not fit a header"))?;
    value.set_sensitive(true);
    request.headers.insert(COOKIE, value);
    request.headers.insert(ORIGIN, origin.clone());
    Ok(())
}

impl std::fmt::Debug for Cookies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|cookie| &cookie.name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{HeaderMap, StatusCode, Url};

    fn answer(lines: &[&'static str]) -> Response {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(SET_COOKIE, HeaderValue::from_static(line));
        }
        Response {
            status: StatusCode::OK,
            url: Url::parse("https://a.test").unwrap_or_else(|e| panic!("{e}")),
            redirected: false,
            headers,
            body: Vec::new(),
        }
    }

    #[test]
    fn what_stands_for_the_person_is_kept_and_sessions_are_not() {
        let cookies = Cookies::set_by(&answer(&[
            "__Secure-shop.two_factor=a.b%2B; Max-Age=600; Path=/; HttpOnly",
            "shop.dont_remember=true.x; Path=/",
            "shop.session_token=s.t; Max-Age=600",
            "shop.session_data=x",
            "not_two_factor=x",
            "garbage",
        ]));
        assert_eq!(
            format!("{cookies:?}"),
            r#"["__Secure-shop.two_factor", "shop.dont_remember"]"#
        );
        assert_eq!(cookies.get(TWO_FACTOR).and_then(|c| c.max_age_s), Some(600));
        let url = Url::parse("https://a.test").unwrap_or_else(|e| panic!("{e}"));
        let mut request = Request::new(crate::http::Method::POST, url);
        let origin = HeaderValue::from_static("com.example.app:/");
        cookies
            .add_to(&mut request, &origin)
            .unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(
            request.headers.get(COOKIE).and_then(|v| v.to_str().ok()),
            Some("__Secure-shop.two_factor=a.b%2B; shop.dont_remember=true.x")
        );
        assert_eq!(request.headers.get(ORIGIN), Some(&origin));
        assert!(!format!("{request:?}").contains("a.b%2B"));
    }

    #[test]
    fn the_last_word_about_a_cookie_counts() {
        let lines = [
            "a.trust_device=x; Max-Age=100",
            "a.trust_device=; Max-Age=0",
            "a.two_factor=x; max-age=-1",
            "a.dont_remember=",
        ];
        let answer = answer(&lines);
        assert_eq!(format!("{:?}", Cookies::set_by(&answer)), "[]");
        assert!(Cookies::removed_by(&answer, TRUST_DEVICE));
        assert!(Cookies::removed_by(&answer, TWO_FACTOR));
        assert!(!Cookies::removed_by(&answer, "session_token"));
    }
}
