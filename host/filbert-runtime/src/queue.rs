//! Which objects wait for a pass. An object stands in the queue at most once, and never has two passes at a time: what
//! is added while its pass runs waits for the end of it. First come, first served, so that one object that is always in
//! trouble gets no more turns than any other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use filbert_plan::object::{ObjectKey, ResourceType};
use tokio::sync::Notify;
use tokio::time::Instant;

/// First pause after a failed pass.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// Longest pause after many.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

#[derive(Default)]
struct State {
    ready: VecDeque<ObjectKey>,
    /// Those in `ready`.
    waiting: BTreeSet<ObjectKey>,
    running: BTreeSet<ObjectKey>,
    /// Added while running.
    again: BTreeSet<ObjectKey>,
    delayed: BTreeSet<(Instant, ObjectKey)>,
    /// Earliest delay of each.
    due: BTreeMap<ObjectKey, Instant>,
    failures: BTreeMap<ObjectKey, u32>,
    closed: bool,
}

/// The queue.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    changed: Notify,
    /// A pass has ended.
    ended: Notify,
}

/// How busy a queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Waiting for a worker.
    pub ready: usize,
    /// Having a pass.
    pub running: usize,
    /// To be queued later.
    pub delayed: usize,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an object, unless it stands in the queue.
    pub fn add(&self, key: ObjectKey) {
        let mut state = self.state();
        state.enqueue(key);
        drop(state);
        self.changed.notify_one();
    }

    /// Queues an object at a moment, unless it is to be queued earlier.
    pub fn add_at(&self, key: ObjectKey, at: Instant) {
        let mut state = self.state();
        if let Some(&due) = state.due.get(&key) {
            if due <= at {
                return;
            }
            state.delayed.remove(&(due, key.clone()));
        }
        state.due.insert(key.clone(), at);
        state.delayed.insert((at, key));
        drop(state);
        self.changed.notify_one();
    }

    /// Queues an object after a pause that doubles with each failure in a row.
    pub fn add_failed(&self, key: ObjectKey) -> Duration {
        let pause = {
            let mut state = self.state();
            let failures = state.failures.entry(key.clone()).or_insert(0);
            *failures = failures.saturating_add(1);
            FIRST_PAUSE.saturating_mul(1 << (*failures - 1).min(16)).min(LONGEST_PAUSE)
        };
        self.add_at(key, Instant::now() + pause);
        pause
    }

    /// The next failure of this object is the first again.
    pub fn forget_failures(&self, key: &ObjectKey) {
        self.state().failures.remove(key);
    }

    /// The next object that needs a pass; nothing once the queue is closed. Say [`Queue::done`] when the pass has ended.
    pub async fn next(&self) -> Option<ObjectKey> {
        loop {
            let changed = self.changed.notified();
            let wake_at = {
                let mut state = self.state();
                if state.closed {
                    drop(state);
                    self.changed.notify_one();
                    return None;
                }
                state.release(Instant::now());
                if let Some(key) = state.ready.pop_front() {
                    state.waiting.remove(&key);
                    state.running.insert(key.clone());
                    let more = !state.ready.is_empty() || !state.delayed.is_empty();
                    drop(state);
                    if more {
                        self.changed.notify_one();
                    }
                    return Some(key);
                }
                state.delayed.first().map(|(at, _)| *at)
            };
            match wake_at {
                Some(at) => {
                    tokio::select! {
                        () = changed => {}
                        () = tokio::time::sleep_until(at) => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    /// The pass of an object has ended.
    pub fn done(&self, key: &ObjectKey) {
        let mut state = self.state();
        state.running.remove(key);
        if state.again.remove(key) {
            state.enqueue(key.clone());
        }
        drop(state);
        self.changed.notify_one();
        self.ended.notify_waiters();
    }

    /// Passes that ran were cut off: their objects wait for another, and no failure counts any more.
    pub fn abandon(&self) {
        let mut state = self.state();
        state.failures.clear();
        state.again.clear();
        for key in std::mem::take(&mut state.running) {
            state.enqueue(key);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Queues what waits for the end of its pause after a failure. The next failure finds its pause as long as before.
    pub fn try_failed_again(&self) {
        let mut state = self.state();
        let failed: Vec<_> = state.due.keys().filter(|key| state.failures.contains_key(*key)).cloned().collect();
        for key in failed {
            if let Some(due) = state.due.remove(&key) {
                state.delayed.remove(&(due, key.clone()));
            }
            state.enqueue(key);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Waits until no pass runs.
    pub async fn at_rest(&self) {
        loop {
            let ended = self.ended.notified();
            if self.state().running.is_empty() {
                return;
            }
            ended.await;
        }
    }

    /// How many objects of each type wait for a worker or have a pass.
    pub fn by_resource(&self) -> BTreeMap<ResourceType, usize> {
        let state = self.state();
        let mut counts = BTreeMap::new();
        for key in state.ready.iter().chain(&state.running) {
            *counts.entry(key.resource.clone()).or_insert(0) += 1;
        }
        counts
    }

    /// How busy it is.
    pub fn depth(&self) -> Depth {
        let state = self.state();
        Depth { ready: state.ready.len(), running: state.running.len(), delayed: state.delayed.len() }
    }

    /// Wakes all who wait in [`Queue::next`] with nothing.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_waiters();
        self.changed.notify_one();
    }
}

impl State {
    fn enqueue(&mut self, key: ObjectKey) {
        if self.running.contains(&key) {
            self.again.insert(key);
        } else if self.waiting.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }

    fn release(&mut self, now: Instant) {
        while let Some((at, _)) = self.delayed.first() {
            if *at > now {
                return;
            }
            if let Some((_, key)) = self.delayed.pop_first() {
                self.due.remove(&key);
                self.enqueue(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::namespaced(ResourceType::new("example.dev", "v1", "greetings"), "market", name)
    }

    #[tokio::test]
    async fn an_object_stands_in_the_queue_once() {
        let queue = Queue::default();
        queue.add(key("a"));
        queue.add(key("b"));
        queue.add(key("a"));
        assert_eq!(queue.next().await, Some(key("a")));
        assert_eq!(queue.next().await, Some(key("b")));
        assert_eq!(queue.depth(), Depth { ready: 0, running: 2, delayed: 0 });
    }

    #[tokio::test]
    async fn an_object_never_has_two_passes_at_a_time_and_loses_no_wish_for_another() {
        let queue = Queue::default();
        queue.add(key("a"));
        assert_eq!(queue.next().await, Some(key("a")));
        queue.add(key("a"));
        queue.add(key("a"));
        assert_eq!(queue.depth().ready, 0);
        queue.done(&key("a"));
        assert_eq!(queue.next().await, Some(key("a")));
        queue.done(&key("a"));
        assert_eq!(queue.depth(), Depth { ready: 0, running: 0, delayed: 0 });
    }

    #[test]
    fn pauses_double_until_a_pass_succeeds() {
        let queue = Queue::default();
        let pauses: Vec<_> = (0..4).map(|_| queue.add_failed(key("a")).as_millis()).collect();
        assert_eq!(pauses, [50, 100, 200, 400]);
        queue.forget_failures(&key("a"));
        assert_eq!(queue.add_failed(key("a")).as_millis(), 50);
    }

    #[test]
    fn the_earliest_of_several_moments_counts() {
        let queue = Queue::default();
        let start = Instant::now();
        for seconds in [60, 10, 30] {
            queue.add_at(key("a"), start + Duration::from_secs(seconds));
        }
        let mut state = queue.state();
        state.release(start + Duration::from_secs(9));
        assert!(state.ready.is_empty());
        state.release(start + Duration::from_secs(10));
        assert_eq!((state.ready.len(), state.delayed.len(), state.due.len()), (1, 0, 0));
    }

    #[tokio::test]
    async fn a_closed_queue_wakes_every_worker() {
        let queue = std::sync::Arc::new(Queue::default());
        let workers: Vec<_> = (0..3)
            .map(|_| {
                let queue = queue.clone();
                tokio::spawn(async move { queue.next().await })
            })
            .collect();
        tokio::task::yield_now().await;
        queue.close();
        for worker in workers {
            assert_eq!(worker.await.expect("no panic"), None);
        }
    }

    #[tokio::test]
    async fn what_was_cut_off_waits_for_another_pass() {
        let queue = Queue::default();
        queue.add(key("a"));
        assert_eq!(queue.next().await, Some(key("a")));
        queue.add(key("a"));
        queue.abandon();
        assert_eq!(queue.depth(), Depth { ready: 1, running: 0, delayed: 0 });
        assert_eq!(queue.by_resource().into_values().collect::<Vec<_>>(), [1]);
    }

    #[tokio::test]
    async fn what_failed_can_be_tried_before_its_time_and_what_waits_for_a_moment_cannot() {
        let queue = Queue::default();
        queue.add_failed(key("a"));
        queue.add_at(key("b"), Instant::now() + Duration::from_hours(1));
        queue.try_failed_again();
        assert_eq!(queue.depth(), Depth { ready: 1, running: 0, delayed: 1 });
        assert_eq!(queue.next().await, Some(key("a")));
        assert_eq!(queue.add_failed(key("a")).as_millis(), 100, "it is not forgotten that it failed");
    }

    #[tokio::test]
    async fn a_closed_queue_rests_when_its_last_pass_has_ended() {
        let queue = std::sync::Arc::new(Queue::default());
        queue.add(key("a"));
        assert_eq!(queue.next().await, Some(key("a")));
        queue.close();
        let resting = tokio::spawn({
            let queue = queue.clone();
            async move { queue.at_rest().await }
        });
        tokio::task::yield_now().await;
        assert!(!resting.is_finished());
        queue.done(&key("a"));
        resting.await.expect("no panic");
    }
}
