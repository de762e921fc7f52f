//! For how long this replica may act. A replica that leads acts within its tenure, which ends before anybody else may take the
//! lease: also where the process was stopped meanwhile, because the moment is looked at before each write.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use tokio::sync::watch;
use tokio::time::Instant;
use tower::Service;

/// Until when this replica may act. Clones are the same tenure.
#[derive(Debug, Clone)]
pub struct Tenure {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    until: Mutex<Option<Instant>>,
    leading: watch::Sender<bool>,
}

impl Default for Tenure {
    fn default() -> Self {
        Self { inner: Arc::new(Inner { until: Mutex::new(None), leading: watch::Sender::new(false) }) }
    }
}

impl Tenure {
    /// It lasts until then, and has begun where it had not.
    pub(crate) fn extend(&self, until: Instant) {
        *self.inner.until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
        self.inner.leading.send_if_modified(|leading| !std::mem::replace(leading, true));
    }

    /// It is over.
    pub(crate) fn end(&self) {
        *self.inner.until.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.inner.leading.send_if_modified(|leading| std::mem::replace(leading, false));
    }

    /// When it ends unless it is extended; nothing where this replica does not lead.
    pub(crate) fn until(&self) -> Option<Instant> {
        *self.inner.until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this replica may act at this moment.
    pub fn holds(&self) -> bool {
        self.until().is_some_and(|until| Instant::now() < until)
    }

    /// Tells when this replica begins and ceases to lead.
    pub fn subscribe(&self) -> watch::Receiver<bool> {
        self.inner.leading.subscribe()
    }

    /// A client whose writes are held back, for ever, while this replica may not act. Reads pass.
    ///
    /// # Assumptions
    /// Whoever writes is dropped when the tenure ends; nothing else ends the wait.
    pub fn fence(&self, client: Client) -> Client {
        let namespace = client.default_namespace().to_owned();
        Client::new(Fenced { client, tenure: self.clone() }, namespace)
    }
}

#[derive(Clone)]
struct Fenced {
    client: Client,
    tenure: Tenure,
}

impl Service<Request<Body>> for Fenced {
    type Response = Response<Body>;
    type Error = kube::Error;
    type Future = BoxFuture<'static, Result<Self::Response, kube::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), kube::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { client, tenure } = self.clone();
        Box::pin(async move {
            if !matches!(*request.method(), Method::GET | Method::HEAD) && !tenure.holds() {
                return pending().await;
            }
            client.send(request).await
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use futures::FutureExt as _;

    use super::*;

    /// A client of a server that answers all with nothing, and how often it was asked.
    fn counted() -> (Client, Arc<AtomicU64>) {
        let asked = Arc::new(AtomicU64::new(0));
        let count = asked.clone();
        let service = tower::service_fn(move |_: Request<Body>| {
            count.fetch_add(1, Ordering::AcqRel);
            async { Ok::<_, Infallible>(Response::new(Body::empty())) }
        });
        (Client::new(service, "default"), asked)
    }

    fn request(method: Method) -> Request<Body> {
        Request::builder().method(method).uri("/api/v1/pods").body(Body::empty()).expect("a request")
    }

    #[tokio::test]
    async fn writes_are_held_back_outside_of_the_tenure_and_reads_are_not() {
        let (client, asked) = counted();
        let tenure = Tenure::default();
        let fenced = tenure.fence(client);
        let held = || {
            let fenced = fenced.clone();
            tokio::spawn(async move { fenced.send(request(Method::PATCH)).await })
        };
        // Requests are taken up in their order: once the read is answered, the write before it has been looked at.
        let before = held();
        tokio::task::yield_now().await;
        fenced.send(request(Method::GET)).await.expect("answered");
        assert_eq!(asked.load(Ordering::Acquire), 1, "nobody leads");
        tenure.extend(Instant::now() + Duration::from_hours(1));
        fenced.send(request(Method::PATCH)).await.expect("answered");
        assert_eq!(asked.load(Ordering::Acquire), 2);
        // It is over, and nobody has said so yet.
        tenure.extend(Instant::now());
        let after = held();
        tokio::task::yield_now().await;
        fenced.send(request(Method::GET)).await.expect("answered");
        assert_eq!(asked.load(Ordering::Acquire), 3, "the tenure is over");
        assert!(!before.is_finished() && !after.is_finished());
        before.abort();
        after.abort();
    }

    #[tokio::test]
    async fn only_begin_and_end_are_told() {
        let tenure = Tenure::default();
        let mut leading = tenure.subscribe();
        let now = Instant::now();
        tenure.extend(now + Duration::from_secs(1));
        leading.changed().await.expect("told");
        assert!(*leading.borrow_and_update());
        tenure.extend(now + Duration::from_secs(2));
        assert!(leading.changed().now_or_never().is_none(), "it goes on");
        tenure.end();
        leading.changed().await.expect("told");
        assert!(!*leading.borrow_and_update());
    }
}
