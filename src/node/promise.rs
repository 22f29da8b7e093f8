//! Futures of the core as JavaScript promises.

use super::error::to_js;
use crate::Result;
use napi::bindgen_prelude::{Env, PromiseRaw, ToNapiValue};

/// Runs `work` off the JavaScript thread; converts its value, or its error with the code, on it.
pub(super) fn promise<'env, T, V, C>(
    env: &'env Env,
    work: impl Future<Output = Result<T>> + Send + 'static,
    convert: C,
) -> napi::Result<PromiseRaw<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue,
    C: FnOnce(&'env Env, T) -> napi::Result<V> + 'static,
{
    env.spawn_future_with_callback(async { Ok(work.await) }, move |env, result| match result {
        Ok(value) => convert(env, value),
        Err(error) => Err(to_js(env, &error)),
    })
}

/// As [`promise`], for work that blocks on disk, lock or keychain.
pub(super) fn promise_blocking<'env, T, V, C>(
    env: &'env Env,
    work: impl FnOnce() -> Result<T> + Send + 'static,
    convert: C,
) -> napi::Result<PromiseRaw<'env, V>>
where
    T: Send + 'static,
    V: ToNapiValue,
    C: FnOnce(&'env Env, T) -> napi::Result<V> + 'static,
{
    let work = async {
        tokio::task::spawn_blocking(work)
            .await
            .unwrap_or(Err(crate::Error::Internal("a background task panicked")))
    };
    promise(env, work, convert)
}

/// The promise that `begun` is, or one that is rejected with its error: a bad argument of an async call rejects, as in
/// any async function.
pub(super) fn or_rejected<'env, V: ToNapiValue>(
    env: &'env Env,
    begun: Result<napi::Result<PromiseRaw<'env, V>>>,
) -> napi::Result<PromiseRaw<'env, V>> {
    begun.unwrap_or_else(|error| PromiseRaw::reject(env, to_js(env, &error)))
}
