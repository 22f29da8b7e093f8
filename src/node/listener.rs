//! Streams of the core as JavaScript listeners.

use super::argument::Argument;
use super::error::to_js;
use napi::bindgen_prelude::{Env, Function, JsValuesTupleIntoVec, Result, Unknown, spawn};
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use std::cell::Cell;
use std::rc::Rc;
use tokio::sync::mpsc::UnboundedReceiver;

/// A function of JavaScript. What it takes and gives back is not looked at here.
pub(super) type Listener<'env> = Function<'env, Unknown<'static>, Unknown<'static>>;

/// Calls `listener` with every item of `stream`, converted, until the stream ends or the returned function is called.
///
/// Listening does not keep the process alive.
pub(super) fn listen<'env, T, V>(
    env: &'env Env,
    listener: Argument<Listener<'env>>,
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
    let listener = listener.create_ref()?;
    // Looked at on the JavaScript thread, where calls may wait that were made before the listener was removed.
    let stopped = Rc::new(Cell::new(false));
    let guarded = env.create_function_from_closure::<V, (), _>("listener", {
        let stopped = Rc::clone(&stopped);
        move |call| {
            if !stopped.get() {
                listener.borrow_back(call.env)?.call(call.get(0)?)?;
            }
            Ok(())
        }
    })?;
    let guarded = guarded
        .build_threadsafe_function::<V>()
        .weak::<true>()
        .build()?;
    let listening = spawn(async move {
        while let Some(item) = stream.recv().await {
            guarded.call(convert(item), ThreadsafeFunctionCallMode::NonBlocking);
        }
    });
    env.create_function_from_closure("unsubscribe", move |_| {
        stopped.set(true);
        listening.abort();
        Ok(())
    })
}
