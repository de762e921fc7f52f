//! Stops calling a module that keeps burning its budget of time or memory, and tries it again after a pause.
//!
//! What a hostile or slow module costs is bounded call by call; this bounds what all its calls cost together. A call that
//! breaks otherwise costs next to nothing, and is made every time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::settings::Patience;

/// Of one module, for one kind of its calls.
pub(crate) struct Breaker {
    patience: Option<Patience>,
    state: Mutex<State>,
    /// Told whenever it opens or closes.
    changes: Arc<watch::Sender<u64>>,
}

#[derive(Default)]
struct State {
    since: Option<Instant>,
    /// Calls of this window that burnt their budget, and what they took.
    burns: u32,
    burnt: Duration,
    /// What all other calls of this window took.
    useful: Duration,
    open: Option<Open>,
}

struct Open {
    until: Instant,
    pause: Duration,
    /// A call finds out whether it has become better.
    is_tried: bool,
    message: String,
}

/// What a call did with its budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Use {
    /// It ended in time, whatever came of it.
    Within,
    /// It was ended; the text says why.
    Burnt(String),
}

/// Leave for one call. Whoever gives the call up gives this back.
pub(crate) struct Leave<'a> {
    breaker: &'a Breaker,
    is_trial: bool,
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if self.is_trial
            && let Some(open) = &mut self.breaker.state().open
        {
            open.is_tried = false;
        }
    }
}

impl Breaker {
    pub(crate) fn new(patience: Option<Patience>, changes: Arc<watch::Sender<u64>>) -> Self {
        Self { patience, state: Mutex::default(), changes }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // It is whole after every line that could panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the module is not called now, whenever that is.
    pub(crate) fn paused(&self) -> Option<String> {
        self.state().open.as_ref().map(|open| open.message.clone())
    }

    /// Whether a call that asked now would be turned away.
    ///
    /// # Errors
    /// For people: why.
    pub(crate) fn would_call(&self, now: Instant) -> Result<(), String> {
        match &self.state().open {
            Some(open) if open.is_tried || now < open.until => Err(open.message.clone()),
            _ => Ok(()),
        }
    }

    /// Leave for one call.
    ///
    /// # Errors
    /// For people: why there is none.
    pub(crate) fn enter(&self, now: Instant) -> Result<Leave<'_>, String> {
        let mut state = self.state();
        let is_trial = match &mut state.open {
            None => false,
            Some(open) if open.is_tried || now < open.until => return Err(open.message.clone()),
            Some(open) => {
                open.is_tried = true;
                true
            }
        };
        drop(state);
        Ok(Leave { breaker: self, is_trial })
    }

    /// Takes note of what a call did.
    pub(crate) fn used(&self, leave: Leave<'_>, now: Instant, took: Duration, outcome: Use) {
        let Some(patience) = self.patience else { return };
        let mut state = self.state();
        let changed = match (outcome, leave.is_trial) {
            (Use::Within, true) => {
                *state = State::default();
                true
            }
            (Use::Burnt(why), true) => {
                let pause = state.open.as_ref().map_or(patience.pause, |open| open.pause * 2);
                let pause = pause.min(patience.longest_pause);
                state.open = Some(Open::new(now, pause, &format!("it did so again: {why}")));
                true
            }
            // Of before it opened.
            (_, false) if state.open.is_some() => false,
            (outcome, false) => {
                state.begin(now, patience.window);
                match outcome {
                    Use::Within => {
                        state.useful += took;
                        false
                    }
                    Use::Burnt(why) => {
                        state.burns += 1;
                        state.burnt += took;
                        let opens = state.burns >= patience.burns && state.burnt >= state.useful;
                        if opens {
                            let message =
                                format!("{} calls burnt their budget in short order, the last one: {why}", state.burns);
                            state.open = Some(Open::new(now, patience.pause, &message));
                        }
                        opens
                    }
                }
            }
        };
        drop(state);
        // It takes the same lock.
        drop(leave);
        if changed {
            self.changes.send_modify(|times| *times = times.wrapping_add(1));
        }
    }
}

impl Open {
    fn new(now: Instant, pause: Duration, why: &str) -> Self {
        let message = format!("not called for {pause:?}, because {why}");
        Self { until: now + pause, pause, is_tried: false, message }
    }
}

impl State {
    /// What is long ago counts half.
    fn begin(&mut self, now: Instant, window: Duration) {
        let since = *self.since.get_or_insert(now);
        if now.saturating_duration_since(since) >= window {
            self.burns /= 2;
            self.burnt /= 2;
            self.useful /= 2;
            self.since = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker() -> (Breaker, watch::Receiver<u64>) {
        let (sender, receiver) = watch::channel(0);
        (Breaker::new(Some(Patience::default()), Arc::new(sender)), receiver)
    }

    fn burn(breaker: &Breaker, now: Instant) {
        let leave = breaker.enter(now).unwrap_or_else(|why| panic!("{why}"));
        breaker.used(leave, now, SECOND, Use::Burnt("no answer within 1s".to_owned()));
    }

    fn work(breaker: &Breaker, now: Instant, took: Duration) {
        let leave = breaker.enter(now).unwrap_or_else(|why| panic!("{why}"));
        breaker.used(leave, now, took, Use::Within);
    }

    #[test]
    fn a_module_that_burns_its_budget_again_and_again_is_left_alone() {
        let (breaker, changes) = breaker();
        let now = Instant::now();
        for _ in 0..4 {
            burn(&breaker, now);
        }
        assert_eq!((breaker.paused(), *changes.borrow()), (None, 0));
        burn(&breaker, now);
        let why =
            "not called for 10s, because 5 calls burnt their budget in short order, the last one: no answer within 1s";
        assert_eq!((breaker.paused().as_deref(), *changes.borrow()), (Some(why), 1));
        assert_eq!(breaker.enter(now + 9 * SECOND).err().as_deref(), Some(why));
        assert_eq!(breaker.would_call(now + 9 * SECOND), Err(why.to_owned()));
    }

    #[test]
    fn one_call_finds_out_whether_it_has_become_better() {
        let (breaker, _changes) = breaker();
        let now = Instant::now();
        (0..5).for_each(|_| burn(&breaker, now));
        let later = now + 10 * SECOND;
        let trial = breaker.enter(later).unwrap_or_else(|why| panic!("{why}"));
        assert!(breaker.enter(later).is_err() && breaker.would_call(later).is_err(), "one, not all");
        breaker.used(trial, later, SECOND, Use::Burnt("no answer within 1s".to_owned()));
        let why = "not called for 20s, because it did so again: no answer within 1s";
        assert_eq!(breaker.paused().as_deref(), Some(why));
        assert!(breaker.enter(later + 19 * SECOND).is_err());
        work(&breaker, later + 20 * SECOND, SECOND);
        assert_eq!(breaker.paused(), None);
        // All is forgotten.
        (0..4).for_each(|_| burn(&breaker, later + 21 * SECOND));
        assert_eq!(breaker.paused(), None);
    }

    #[test]
    fn a_trial_that_was_given_up_leaves_room_for_the_next() {
        let (breaker, _changes) = breaker();
        let now = Instant::now();
        (0..5).for_each(|_| burn(&breaker, now));
        drop(breaker.enter(now + 10 * SECOND));
        assert!(breaker.enter(now + 10 * SECOND).is_ok());
    }

    #[test]
    fn who_mostly_works_is_called_on() {
        let (breaker, _changes) = breaker();
        let now = Instant::now();
        for _ in 0..100 {
            work(&breaker, now, SECOND);
        }
        (0..50).for_each(|_| burn(&breaker, now));
        assert_eq!(breaker.paused(), None);
    }

    #[test]
    fn what_happens_now_and_then_is_forgotten() {
        let (breaker, _changes) = breaker();
        let mut now = Instant::now();
        for _ in 0..100 {
            burn(&breaker, now);
            now += Patience::default().window / 2;
        }
        assert_eq!(breaker.paused(), None);
    }

    #[test]
    fn pauses_grow_up_to_a_bound() {
        let (breaker, _changes) = breaker();
        let mut now = Instant::now();
        (0..5).for_each(|_| burn(&breaker, now));
        for _ in 0..20 {
            now += Patience::default().longest_pause;
            burn(&breaker, now);
        }
        assert!(breaker.enter(now + Patience::default().longest_pause).is_ok());
    }
}
