//! Calls of one object in the order in which JavaScript made them.

use super::promise::{caught, deferred};
use crate::Result;
use napi::bindgen_prelude::{Env, PromiseRaw, ToNapiValue, spawn_blocking};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Job = Box<dyn FnOnce() + Send>;

/// Runs jobs that block, one after another. Two writes that were called in one turn without awaiting the first must not
/// overtake each other, which tasks in a pool do.
///
/// One thread takes job after job and settles each one's promise itself: a call is handed over once on its way there and
/// once on its way back, and each handover costs as much as a fast disk's sync.
#[derive(Default)]
pub(super) struct Queue {
    line: Arc<Mutex<Line>>,
    unfinished: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Line {
    jobs: VecDeque<Job>,
    /// Whether a thread is taking jobs, and will take whatever is added.
    is_served: bool,
}

impl Queue {
    /// Whether every job is done. A read may then look at memory at once and still see every write before it.
    pub(super) fn is_idle(&self) -> bool {
        self.unfinished.load(Ordering::SeqCst) == 0
    }

    /// Runs `work` after everything that was asked for before.
    pub(super) fn run<'env, T, V, C>(
        &self,
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
        let unfinished = Arc::clone(&self.unfinished);
        unfinished.fetch_add(1, Ordering::SeqCst);
        let job: Job = Box::new(move || {
            let result = caught(work);
            unfinished.fetch_sub(1, Ordering::SeqCst);
            settle(result);
        });
        let mut line = lock(&self.line);
        line.jobs.push_back(job);
        if !std::mem::replace(&mut line.is_served, true) {
            let line = Arc::clone(&self.line);
            spawn_blocking(move || {
                while let Some(job) = next(&line) {
                    job();
                }
            });
        }
        Ok(promise)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("unfinished", &self.unfinished)
            .finish_non_exhaustive()
    }
}

fn next(line: &Mutex<Line>) -> Option<Job> {
    let mut line = lock(line);
    let job = line.jobs.pop_front();
    line.is_served = job.is_some();
    job
}

fn lock(line: &Mutex<Line>) -> MutexGuard<'_, Line> {
    // Nothing panics while it is held.
    line.lock().unwrap_or_else(PoisonError::into_inner)
}
