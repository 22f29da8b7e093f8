//! One promise for everybody who asks for the same while it is pending.

use super::error::to_js;
use super::promise::promise;
use crate::Result;
use crate::session::Callers;
use napi::bindgen_prelude::{Env, JsValue as _, Object, ObjectRef, PromiseRaw, ToNapiValue};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A storm of calls costs one future, one settling and one value, however many wait. Used on the JavaScript thread only.
pub(super) struct Pending<K>(Arc<Mutex<Option<Shared<K>>>>);

struct Shared<K> {
    key: K,
    callers: Callers,
    promise: PromiseRef,
}

// Without the check on drop: at the end of the environment references go with it.
type PromiseRef = ObjectRef<false>;

impl<K: PartialEq + Send + 'static> Pending<K> {
    /// The promise that is pending for `key`, or a new one for `work`, which is told who waits for it.
    pub(super) fn promise<'env, T, V, W>(
        &self,
        env: &'env Env,
        key: K,
        work: impl FnOnce(Callers) -> W,
        convert: impl FnOnce(T) -> V + 'static,
    ) -> napi::Result<PromiseRaw<'env, V>>
    where
        T: Send + 'static,
        V: ToNapiValue,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        if let Some(shared) = self.slot().as_ref().filter(|shared| shared.key == key) {
            shared.callers.join();
            let promise = shared.promise.get_value(env)?;
            return Ok(PromiseRaw::new(env.raw(), promise.raw()));
        }
        let callers = Callers::default();
        let work = work(callers.clone());
        let settling = Self(Arc::clone(&self.0));
        let promise = promise(
            env,
            async move { Ok(work.await) },
            move |env, result: Result<T>| {
                settling.clear(env);
                result.map(convert).map_err(|error| to_js(env, &error))
            },
        )?;
        self.clear(env);
        *self.slot() = Some(Shared {
            key,
            callers,
            promise: Object::from_raw(env.raw(), promise.raw()).create_ref()?,
        });
        Ok(promise)
    }

    fn clear(&self, env: &Env) {
        if let Some(shared) = self.slot().take() {
            // Fails only where the environment has ended, and the reference with it.
            let _ = shared.promise.unref(env);
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<Shared<K>>> {
        // What it holds is always whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Default for Pending<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K> fmt::Debug for Pending<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}
