//! Threads of admission's own: passes that keep all of theirs busy take none of them.

use std::io;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;

/// Twice the processors: a guest keeps its thread until its next tick, and meanwhile the system gives the others theirs.
pub(crate) fn threads() -> usize {
    available_parallelism().map_or(4, |cores| cores.get() * 2)
}

/// A runtime that may be dropped anywhere.
#[derive(Debug)]
pub(crate) struct Lane(Option<Runtime>);

impl Lane {
    pub(crate) fn start(threads: usize) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads.max(1)).thread_name("admission").enable_all();
        builder.build().map(|runtime| Self(Some(runtime)))
    }

    pub(crate) fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.0.as_ref().expect("it is there until this is dropped").spawn(task)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting for its threads is not allowed here. What they do is over, or cut off.
            runtime.shutdown_background();
        }
    }
}
