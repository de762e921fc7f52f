//! Pauses between tries: longer each time, and never the same for two who try at once. And the pace of watches, so that a server
//! that ends each of them at once is not asked without end.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use kube::runtime::utils::Backoff;
use tokio::time::Instant;
use tower::Service;

/// Between two watches of one selection, at least.
const PACE: Duration = Duration::from_secs(1);
/// After the first failure of a watch. It doubles with each.
const FIRST: Duration = Duration::from_secs(1);
/// After many. A server that comes back finds us back soon.
const LONGEST: Duration = Duration::from_secs(8);
/// After that long without a failure, the next is the first.
const FORGOTTEN: Duration = Duration::from_secs(30);

/// A pause, longer by up to a fifth.
pub fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(fastrand::f64().mul_add(0.2, 1.0))
}

/// Pauses of a watch that fails.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    last: Option<(Instant, Duration)>,
}

impl Pauses {
    /// The pause for a failure at this moment.
    fn after(&mut self, now: Instant) -> Duration {
        let recent = self.last.filter(|(ends, _)| now < *ends + FORGOTTEN);
        let pause = recent.map_or(FIRST, |(_, pause)| (pause * 2).min(LONGEST));
        let jittered = jittered(pause);
        self.last = Some((now + jittered, pause));
        jittered
    }
}

impl Iterator for Pauses {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.after(Instant::now()))
    }
}

impl Backoff for Pauses {
    /// Not for each thing that succeeds: a list that is answered before each watch that fails would keep it from growing.
    fn reset(&mut self) {}
}

/// Called when a watch has begun.
pub(crate) type Began = Arc<dyn Fn() + Send + Sync>;

/// A client for one watch: it begins at most about once a second.
pub(crate) fn paced(client: Client, began: Began) -> Client {
    let namespace = client.default_namespace().to_owned();
    Client::new(Paced { client, pace: Arc::default(), began }, namespace)
}

#[derive(Clone)]
struct Paced {
    client: Client,
    pace: Arc<Mutex<Pace>>,
    began: Began,
}

#[derive(Debug, Default)]
struct Pace {
    /// No watch begins before.
    next: Option<Instant>,
}

impl Pace {
    /// When a watch may begin that is wanted now.
    fn begin(&mut self, now: Instant) -> Instant {
        let begin = self.next.map_or(now, |next| next.max(now));
        self.next = Some(begin + jittered(PACE));
        begin
    }
}

impl Service<Request<Body>> for Paced {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = BoxFuture<'static, Result<Self::Response, kube::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), kube::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { client, pace, began } = self.clone();
        Box::pin(async move {
            if !is_watch(&request) {
                return client.send(request).await;
            }
            let begin = pace.lock().unwrap_or_else(PoisonError::into_inner).begin(Instant::now());
            tokio::time::sleep_until(begin).await;
            let response = client.send(request).await?;
            if response.status().is_success() {
                began();
            }
            Ok(response)
        })
    }
}

fn is_watch(request: &Request<Body>) -> bool {
    request.uri().query().is_some_and(|query| query.split('&').any(|parameter| parameter == "watch=true"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_about(pause: Duration, seconds: u64) -> bool {
        let seconds = Duration::from_secs(seconds);
        (seconds..=seconds * 6 / 5).contains(&pause)
    }

    #[test]
    fn a_jittered_pause_is_longer_by_less_than_a_fifth() {
        let pauses: Vec<_> = (0..100).map(|_| jittered(Duration::from_secs(1))).collect();
        assert!(pauses.iter().all(|pause| is_about(*pause, 1)), "{pauses:?}");
        assert!(pauses.iter().any(|pause| *pause != pauses[0]), "they differ");
    }

    #[test]
    fn pauses_grow_and_what_lies_long_back_is_forgotten() {
        let (mut pauses, mut now) = (Pauses::default(), Instant::now());
        for seconds in [1, 2, 4, 8, 8] {
            let pause = pauses.after(now);
            assert!(is_about(pause, seconds), "{pause:?}");
            now += pause;
            // A list that was answered.
            pauses.reset();
        }
        assert!(is_about(pauses.after(now + FORGOTTEN), 1));
    }

    #[test]
    fn a_watch_that_ends_at_once_begins_anew_once_a_second() {
        let (mut pace, first) = (Pace::default(), Instant::now());
        assert_eq!(pace.begin(first), first);
        let mut before = first;
        for _ in 0..10 {
            let begin = pace.begin(before);
            assert!(is_about(begin - before, 1), "{:?}", begin - before);
            before = begin;
        }
        let later = before + Duration::from_secs(5);
        assert_eq!(pace.begin(later), later, "one that lasted waits for nothing");
    }

    #[test]
    fn only_watches_keep_the_pace() {
        let request = |uri: &str| Request::get(uri).body(Body::empty()).expect("a request");
        assert!(is_watch(&request("/api/v1/pods?&watch=true&resourceVersion=1")));
        assert!(!is_watch(&request("/api/v1/pods?&limit=500")));
    }
}
