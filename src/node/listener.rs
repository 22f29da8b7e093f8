//! Streams of the core as JavaScript listeners.

use super::argument::Argument;
use super::error::to_js;
use napi::bindgen_prelude::{Env, Function, JsValuesTupleIntoVec, Result, spawn};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use tokio::sync::mpsc::UnboundedReceiver;

/// Calls `listener` with every item of `stream`, converted, until the stream ends or the returned function is called.
///
/// Listening does not keep the process alive.
pub(super) fn listen<'env, T, V>(
    env: &'env Env,
    listener: Argument<Function<'env, V, ()>>,
    subscribe: impl FnOnce() -> crate::Result<UnboundedReceiver<T>>,
    convert: impl Fn(T) -> V + Send + 'static,
) -> Result<Function<'env, (), ()>>
where
    T: Send + 'static,
    V: JsValuesTupleIntoVec + Send + 'static,
{
    let begun = listener
        .parse("listener", "a function")
        .and_then(|listener| Ok((listener, subscribe()?)));
    let (listener, mut stream) = begun.map_err(|error| to_js(env, &error))?;
    let listener = listener
        .build_threadsafe_function::<V>()
        .weak::<true>()
        .build()?;
    let listening = spawn(async move {
        while let Some(item) = stream.recv().await {
            listener.call(convert(item), ThreadsafeFunctionCallMode::NonBlocking);
        }
    });
    env.create_function_from_closure("unsubscribe", move |_| {
        listening.abort();
        Ok(())
    })
}
