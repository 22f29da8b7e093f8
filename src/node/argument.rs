//! Arguments that are converted when the call asks for them, so that a wrong one becomes an error of ours.

use crate::{Error, Result};
use napi::bindgen_prelude::{FromNapiValue, sys};

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

impl<T: FromNapiValue> FromNapiValue for Argument<T> {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: the caller's promise about `env` and `value` is passed on as it is.
        Ok(Self(unsafe { T::from_napi_value(env, value) }.ok()))
    }
}
