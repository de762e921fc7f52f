//! Advances the epoch while calls run, so that a guest that does not return gives up its thread.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::Engine;

/// How often a running guest looks at the clock. 2 ms cost about one percent of a core while calls run.
const TICK: Duration = Duration::from_millis(2);

/// Ticks without a running call after which the thread sleeps. Waking it costs a system call, so it stays up for a
/// while between calls that follow each other.
const IDLE_TICKS: u32 = 50;

/// One thread that ticks while calls run, sleeps while none does, and ends with the engine.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    running: AtomicUsize,
    asleep: AtomicBool,
    ended: Mutex<bool>,
    wake: Condvar,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            running: AtomicUsize::new(0),
            asleep: AtomicBool::new(false),
            ended: Mutex::new(false),
            wake: Condvar::new(),
        });
        let weak = engine.weak();
        let thread = std::thread::Builder::new().name("epoch".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                shared.tick(|| {
                    if let Some(engine) = weak.upgrade() {
                        engine.increment_epoch();
                    }
                });
            }
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Calls that run now.
    pub(crate) fn running(&self) -> usize {
        self.shared.running.load(Ordering::SeqCst)
    }

    /// Keeps the epoch advancing until the returned value is dropped.
    pub(crate) fn run(&self) -> Running<'_> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.load(Ordering::SeqCst) {
            // Taking the lock means the thread either has not yet looked at `running` or already waits.
            drop(self.shared.ended.lock().unwrap_or_else(PoisonError::into_inner));
            self.shared.wake.notify_one();
        }
        Running(&self.shared)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        *self.shared.ended.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked in a way that matters now: the engine goes.
            drop(thread.join());
        }
    }
}

/// A call that runs.
pub(crate) struct Running<'a>(&'a Shared);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Shared {
    fn tick(&self, mut advance: impl FnMut()) {
        let mut idle = 0;
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        while !*ended {
            if self.running.load(Ordering::SeqCst) > 0 {
                idle = 0;
            } else {
                idle += 1;
            }
            if idle > IDLE_TICKS {
                self.asleep.store(true, Ordering::SeqCst);
                // A call that began before the store has not woken us; one that begins after it will.
                while !*ended && self.running.load(Ordering::SeqCst) == 0 {
                    ended = self.wake.wait(ended).unwrap_or_else(PoisonError::into_inner);
                }
                self.asleep.store(false, Ordering::SeqCst);
                idle = 0;
            }
            ended = self.wake.wait_timeout(ended, TICK).unwrap_or_else(PoisonError::into_inner).0;
            advance();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes part in the ticking by hand: a thread that asks for ticks until it has seen them.
    #[test]
    fn ticks_while_a_call_runs_and_wakes_for_the_next() {
        let engine = Engine::new(&crate::settings::config(1, 1 << 20)).expect("an engine");
        let ticker = Ticker::start(&engine).expect("a thread");
        for _ in 0..3 {
            // Until the thread sleeps, which it does when nothing runs.
            while !ticker.shared.asleep.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            let running = ticker.run();
            assert_eq!(ticker.running(), 1);
            while ticker.shared.asleep.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            drop(running);
            assert_eq!(ticker.running(), 0);
        }
        let shared = Arc::downgrade(&ticker.shared);
        drop(ticker);
        assert_eq!(shared.strong_count(), 0, "the thread has ended");
    }
}
