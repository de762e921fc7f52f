//! Places, and the queues in front of them. The pool of instances does not wait when it is full, it fails: so calls wait
//! here, each lane for itself.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Which calls a module's call stands in line with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Of passes: steps.
    Steps,
    /// Of passes: defaulting and validation, and what is asked at load.
    Reviews,
    /// Of requests, for which people and API servers wait: never behind a pass, and never for long.
    Admission,
}

/// One of each lane.
pub(crate) struct Lanes<T> {
    pub(crate) steps: T,
    pub(crate) reviews: T,
    pub(crate) admission: T,
}

impl<T> Lanes<T> {
    pub(crate) fn of(&self, lane: Lane) -> &T {
        match lane {
            Lane::Steps => &self.steps,
            Lane::Reviews => &self.reviews,
            Lane::Admission => &self.admission,
        }
    }
}

/// The places of one module in one lane.
pub(crate) struct Places {
    free: Semaphore,
    waiting: AtomicUsize,
    /// How long the queue may be, and how long a call waits in it.
    bounds: Option<(usize, Duration)>,
}

/// A place of the module, and one of the engine.
pub(crate) struct Turn<'a>(
    #[expect(dead_code, reason = "given back when it is dropped")] (SemaphorePermit<'a>, SemaphorePermit<'a>),
);

/// Why a call does not get its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoTurn {
    /// The queue is as long as it may be.
    Crowded(usize),
    /// It waited as long as it may.
    Late(Duration),
    /// The engine is closing.
    Closing,
}

/// In the queue until it is dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Places {
    pub(crate) fn new(places: usize, bounds: Option<(usize, Duration)>) -> Self {
        Self { free: Semaphore::new(places), waiting: AtomicUsize::new(0), bounds }
    }

    /// Waits until the module, then the engine has a place. A module's own waiting calls take no place of others.
    pub(crate) async fn turn<'a>(&'a self, engine: &'a Semaphore) -> Result<Turn<'a>, NoTurn> {
        let both = async {
            let own = self.free.acquire().await.map_err(|_| NoTurn::Closing)?;
            let shared = engine.acquire().await.map_err(|_| NoTurn::Closing)?;
            Ok(Turn((own, shared)))
        };
        let Some((longest, patience)) = self.bounds else { return both.await };
        if let (Ok(own), Ok(shared)) = (self.free.try_acquire(), engine.try_acquire()) {
            return Ok(Turn((own, shared)));
        }
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let _waiting = Waiting(&self.waiting);
        if before >= longest {
            return Err(NoTurn::Crowded(before));
        }
        let started = Instant::now();
        tokio::time::timeout(patience, both).await.unwrap_or_else(|_| Err(NoTurn::Late(started.elapsed())))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::poll;

    use super::*;

    #[tokio::test]
    async fn a_queue_is_no_longer_than_it_may_be() {
        let (places, engine) = (Places::new(1, Some((2, Duration::from_hours(1)))), Semaphore::new(9));
        let first = places.turn(&engine).await.map_err(|error| format!("{error:?}")).expect("it is free");
        let (mut second, mut third) = (Box::pin(places.turn(&engine)), Box::pin(places.turn(&engine)));
        assert!(poll!(&mut second).is_pending() && poll!(&mut third).is_pending());
        assert_eq!(places.turn(&engine).await.err(), Some(NoTurn::Crowded(2)));
        // Who gives up makes room in the queue, who ends makes room for the next.
        drop(third);
        let mut fourth = pin!(places.turn(&engine));
        assert!(poll!(&mut fourth).is_pending());
        drop(first);
        assert!(poll!(&mut second).is_ready());
    }

    #[tokio::test]
    async fn nobody_waits_longer_than_he_may() {
        let (places, engine) = (Places::new(1, Some((2, Duration::ZERO))), Semaphore::new(0));
        assert!(matches!(places.turn(&engine).await.err(), Some(NoTurn::Late(_))));
    }

    #[tokio::test]
    async fn a_lane_without_bounds_waits_its_turn() {
        let (places, engine) = (Places::new(1, None), Semaphore::new(1));
        let first = places.turn(&engine).await.map_err(|error| format!("{error:?}")).expect("it is free");
        let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(places.turn(&engine))).collect();
        for turn in &mut waiting {
            assert!(poll!(turn).is_pending());
        }
        drop(first);
        assert!(poll!(&mut waiting[0]).is_ready());
    }
}
