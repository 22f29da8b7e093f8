//! Futures of the core, and its work that blocks, as JavaScript promises.

use super::error::to_js;
use crate::{Error, Result};
use napi::bindgen_prelude::{Env, JsValue as _, PromiseRaw, ToNapiValue, spawn_blocking};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;

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
    // In a box: the runtime is compiled once for each kind of value, not once for each call.
    let work: Pin<Box<dyn Future<Output = Result<T>> + Send>> = Box::pin(work);
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
    V: ToNapiValue + 'static,
    C: FnOnce(&Env, T) -> napi::Result<V> + Send + 'static,
{
    let (settle, promise) = deferred(env, convert)?;
    spawn_blocking(move || settle(caught(work)));
    Ok(promise)
}

/// A promise, and what settles it: from any thread, so that work which blocks needs no task beside it that waits for it.
/// Settling does nothing once the environment has ended.
pub(super) fn deferred<'env, T, V, C>(
    env: &'env Env,
    convert: C,
) -> napi::Result<(
    impl FnOnce(Result<T>) + Send + use<T, V, C>,
    PromiseRaw<'env, V>,
)>
where
    T: Send + 'static,
    V: ToNapiValue + 'static,
    C: FnOnce(&Env, T) -> napi::Result<V> + Send + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    let promise = PromiseRaw::new(env.raw(), promise.raw());
    let settle = move |result: Result<T>| {
        deferred.resolve(move |env: Env| match result {
            Ok(value) => convert(&env, value),
            Err(error) => Err(to_js(&env, &error)),
        });
    };
    Ok((settle, promise))
}

/// What `work` comes to; a panic of it is an error like any other, or its promise would never settle.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // The core's locks expect a panic of whoever holds them.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or(Err(Error::Internal("a background task panicked")))
}

/// The promise that `begun` is, or one that is rejected with its error: a bad argument of an async call rejects, as in
/// any async function.
pub(super) fn or_rejected<'env, V: ToNapiValue>(
    env: &'env Env,
    begun: Result<napi::Result<PromiseRaw<'env, V>>>,
) -> napi::Result<PromiseRaw<'env, V>> {
    begun.unwrap_or_else(|error| PromiseRaw::reject(env, to_js(env, &error)))
}
