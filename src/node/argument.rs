//! Arguments that are converted when the call asks for them, so that a wrong one becomes an error of ours.

use crate::{Error, Result};
use napi::bindgen_prelude::{
    FromNapiValue, TypeName, Utf16String, ValidateNapiValue, ValueType, sys,
};
use std::time::Duration;

/// An argument as JavaScript gave it, converted to `T` or not.
///
/// napi's own conversion throws before the function runs: synchronously also where the function is async, with napi's
/// codes, and with the value in the message.
pub struct Argument<T>(Option<T>);

impl<T> Argument<T> {
    /// The argument; `expected` completes the sentence "`name` must be …".
    ///
    /// # Errors
    /// `ERR_INVALID_ARGUMENT`, without the value.
    pub(super) fn parse(self, name: &str, expected: &str) -> Result<T> {
        self.0
            .ok_or_else(|| Error::InvalidArgument(format!("{name} must be {expected}.")))
    }
}

impl<T: FromNapiValue + ValidateNapiValue> FromNapiValue for Argument<T> {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: the caller's promise about `env` and `value` is passed on as it is.
        let converted =
            unsafe { T::validate(env, value).and_then(|_| T::from_napi_value(env, value)) };
        if converted.is_err() {
            // Reading a property of null throws. What is pending would be thrown instead of our error.
            let mut pending = std::ptr::null_mut();
            // SAFETY: `env` is valid by the caller's promise; the result is not used.
            unsafe { sys::napi_get_and_clear_last_exception(env, &raw mut pending) };
        }
        Ok(Self(converted.ok()))
    }
}

/// A string that is Unicode. JavaScript's strings may hold halves of surrogate pairs, which UTF-8 cannot: two different
/// keys must not become one.
#[derive(Debug)]
pub struct Text(pub(super) String);

impl TypeName for Text {
    fn type_name() -> &'static str {
        String::type_name()
    }

    fn value_type() -> ValueType {
        String::value_type()
    }
}

impl ValidateNapiValue for Text {
    unsafe fn validate(
        env: sys::napi_env,
        value: sys::napi_value,
    ) -> napi::Result<sys::napi_value> {
        // SAFETY: the caller's promise is passed on as it is.
        unsafe { String::validate(env, value) }
    }
}

impl FromNapiValue for Text {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: the caller's promise is passed on as it is.
        let text = unsafe { String::from_napi_value(env, value)? };
        // napi puts this in the place of a lone half. It may also have been there: only then the original is looked at.
        if text.contains(char::REPLACEMENT_CHARACTER) {
            // SAFETY: as above.
            let units = unsafe { Utf16String::from_napi_value(env, value)? };
            String::from_utf16(&units)
                .map_err(|_| napi::Error::from_reason("the string is not Unicode"))?;
        }
        Ok(Self(text))
    }
}

/// A number of milliseconds, 1 to about 24 days, which is as far as timers go.
///
/// # Errors
/// `ERR_INVALID_ARGUMENT` naming the argument.
pub(super) fn parse_millis(name: &str, given: Option<f64>, default: Duration) -> Result<Duration> {
    const LONGEST: f64 = i32::MAX as f64;
    match given {
        None => Ok(default),
        Some(ms) if (1.0..=LONGEST).contains(&ms) => Ok(Duration::from_secs_f64(ms / 1000.0)),
        Some(_) => Err(Error::InvalidArgument(format!(
            "{name} must be a number of milliseconds from 1 to {LONGEST}."
        ))),
    }
}

/// A number of milliseconds that something lives, 1 to a hundred years.
///
/// # Errors
/// `ERR_INVALID_ARGUMENT` naming the argument.
pub(super) fn parse_lifetime(name: &str, given: Option<f64>) -> Result<Option<Duration>> {
    const LONGEST: f64 = 100.0 * 365.0 * 24.0 * 3_600_000.0;
    match given {
        None => Ok(None),
        Some(ms) if (1.0..=LONGEST).contains(&ms) => Ok(Some(Duration::from_secs_f64(ms / 1000.0))),
        Some(_) => Err(Error::InvalidArgument(format!(
            "{name} must be a number of milliseconds from 1 to {LONGEST}."
        ))),
    }
}
