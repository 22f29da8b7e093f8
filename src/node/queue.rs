//! Calls of one object in the order in which JavaScript made them.

use super::promise::promise;
use crate::{Error, Result};
use napi::bindgen_prelude::{Env, PromiseRaw, ToNapiValue, spawn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Runs jobs that block, one after another. Two writes that were called in one turn without awaiting the first must not
/// overtake each other, which tasks in a pool do.
#[derive(Debug)]
pub(super) struct Queue {
    jobs: UnboundedSender<Job>,
    waiting: Arc<AtomicUsize>,
}

impl Queue {
    pub(super) fn new() -> Self {
        let (jobs, mut next) = unbounded_channel::<Job>();
        spawn(async move {
            // Ends when the queue is dropped and what was asked for is done.
            while let Some(job) = next.recv().await {
                let _ = tokio::task::spawn_blocking(job).await;
            }
        });
        Self {
            jobs,
            waiting: Arc::default(),
        }
    }

    /// Whether every job is done. A read may then look at memory at once and still see every write before it.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) == 0
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
        V: ToNapiValue,
        C: FnOnce(&'env Env, T) -> napi::Result<V> + 'static,
    {
        let (done, result) = oneshot::channel();
        let waiting = Arc::clone(&self.waiting);
        waiting.fetch_add(1, Ordering::SeqCst);
        let job: Job = Box::new(move || {
            let worked = work();
            waiting.fetch_sub(1, Ordering::SeqCst);
            // Nobody waits for a call of an environment that has ended.
            let _ = done.send(worked);
        });
        // The receiver lives as long as this queue.
        let _ = self.jobs.send(job);
        let failed = Error::Internal("a background task panicked");
        promise(env, async { result.await.unwrap_or(Err(failed)) }, convert)
    }
}
