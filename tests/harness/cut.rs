//! An operator that is cut off: its requests end at one of them, as if its process had been killed there.
//!
//! Nothing that the host does is seen by anybody else but its requests, so cutting it off at an await between two of them
//! is the same as cutting it off before the second. That leaves two places for each request: before the server carries it
//! out, and after that but before the host hears of it.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use filbert_apiserver::{ApiServer, ApiService, ReplyBody};
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use tokio::sync::watch;
use tower::Service;

/// Which requests count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// All of them.
    All,
    /// Those that change something. Between two of these the cluster stays as it is, whatever is read.
    Writes,
}

/// On which side of the request the host is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The server never hears of it.
    Before,
    /// The server carries it out, and the host never hears of that.
    After,
}

/// Where a host is cut off. Clones are the same cut.
#[derive(Debug, Clone)]
pub struct Cut {
    counted: Counted,
    side: Side,
    at: u64,
    made: Arc<AtomicU64>,
    done: Arc<watch::Sender<bool>>,
}

impl Cut {
    /// At the request of this number, counted from 0.
    pub fn at(at: u64, counted: Counted, side: Side) -> Self {
        Self { counted, side, at, made: Arc::default(), done: Arc::new(watch::Sender::new(false)) }
    }

    /// How many of the counted requests were made.
    pub fn made(&self) -> u64 {
        self.made.load(Ordering::Acquire)
    }

    /// Whether it has come to that.
    pub fn is_done(&self) -> bool {
        *self.done.borrow()
    }

    /// Waits until it has come to that.
    pub async fn done(&self) {
        let mut done = self.done.subscribe();
        // The sender is ours.
        let _ = done.wait_for(|done| *done).await;
    }

    /// A client that is cut off.
    pub fn client(&self, server: &ApiServer) -> Client {
        Client::new(Cutting { server: server.service(), cut: self.clone() }, "default")
    }

    /// For ever, once it has come to that.
    async fn holds_back(&self) {
        if self.is_done() {
            pending::<()>().await;
        }
    }

    async fn cuts(&self) {
        self.done.send_replace(true);
        pending::<()>().await;
    }
}

#[derive(Clone)]
struct Cutting {
    server: ApiService,
    cut: Cut,
}

impl Service<Request<Body>> for Cutting {
    type Response = Response<ReplyBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { mut server, cut } = self.clone();
        Box::pin(async move {
            cut.holds_back().await;
            let is_counted = cut.counted == Counted::All || request.method() != Method::GET;
            let is_it = is_counted && cut.made.fetch_add(1, Ordering::AcqRel) == cut.at;
            if is_it && cut.side == Side::Before {
                cut.cuts().await;
            }
            let response = server.call(request).await;
            if is_it {
                cut.cuts().await;
            }
            cut.holds_back().await;
            response
        })
    }
}
