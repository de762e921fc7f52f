//! `/livez`, `/readyz` and `/metrics`, over plain HTTP.
//!
//! An operator is ready when it can do its work: its modules are loaded and it has seen the objects that it is there for. What
//! it cannot do for want of a definition or a permission is named, and keeps nothing else from being done.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::{debug, warn};

use super::metrics::Metrics;
use crate::failure::{Hint as _, Outcome};

/// How long a client may take for the headers of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections at one time. Probes and scrapers keep a handful.
const CONNECTIONS: usize = 64;

/// How one thing stands on which readiness depends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Check {
    /// As it should.
    Well(String),
    /// Not as it should, but the operator does all else.
    Named(String),
    /// The operator cannot do its work.
    NotReady(String),
}

type Ask = Box<dyn Fn() -> Check + Send + Sync>;

/// All on which readiness depends. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Health {
    checks: Arc<RwLock<Vec<(&'static str, Ask)>>>,
}

impl Health {
    /// Asks this as well from now on, or instead of what was asked under the same name.
    pub(crate) fn ask(&self, name: &'static str, check: impl Fn() -> Check + Send + Sync + 'static) {
        let mut checks = self.checks.write().unwrap_or_else(PoisonError::into_inner);
        checks.retain(|(known, _)| *known != name);
        checks.push((name, Box::new(check)));
    }

    /// Whether the operator is ready, and a line for each thing.
    fn report(&self) -> (bool, String) {
        let (mut is_ready, mut text) = (true, String::new());
        for (name, check) in self.checks.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let (mark, said) = match check() {
                Check::Well(said) => ('+', said),
                Check::Named(said) => ('!', said),
                Check::NotReady(said) => {
                    is_ready = false;
                    ('-', said)
                }
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "[{mark}] {name}: {said}");
        }
        text.push_str(if is_ready { "ready\n" } else { "not ready\n" });
        (is_ready, text)
    }
}

/// Listens, and answers nobody until it is run.
pub(crate) struct Listener {
    listener: TcpListener,
    pub(crate) address: SocketAddr,
}

impl Listener {
    /// Port 0 takes a free one.
    pub(crate) async fn bind(address: SocketAddr) -> Outcome<Self> {
        let listening = || format!("failed to listen on {address} for health and metrics");
        let listener = TcpListener::bind(address)
            .await
            .with_context(listening)
            .hint("does another program use the port? `--health-listen` takes another address")?;
        let address = listener.local_addr().with_context(listening)?;
        Ok(Self { listener, address })
    }

    /// Answers until it is dropped.
    pub(crate) async fn run(self, health: Health, metrics: Arc<Metrics>) {
        let router = Router::new()
            .route("/livez", get(|| async { "alive\n" }))
            .route("/readyz", get(ready))
            .route("/metrics", get(measured))
            .with_state((health, metrics));
        // What it holds ends with it.
        let mut connections = JoinSet::new();
        loop {
            while connections.len() >= CONNECTIONS {
                connections.join_next().await;
            }
            while connections.try_join_next().is_some() {}
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, for example; accepting at once would spin.
                    warn!(%error, "failed to accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let service = TowerToHyperService::new(router.clone());
            connections.spawn(async move {
                let mut builder = Builder::new(TokioExecutor::new());
                builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
                builder.http2().timer(TokioTimer::new());
                if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
                    debug!(%error, "a connection ended");
                }
            });
        }
    }
}

type Known = State<(Health, Arc<Metrics>)>;

async fn ready(State((health, _)): Known) -> Response {
    let (is_ready, text) = health.report();
    let code = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, text).into_response()
}

async fn measured(State((_, metrics)): Known) -> Response {
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], metrics.text().await).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_keeps_nobody_from_being_ready() {
        let health = Health::default();
        health.ask("modules", || Check::Well("4 in service".to_owned()));
        health.ask("watches", || Check::Named("lamps.example.dev is not served".to_owned()));
        let ready = "[+] modules: 4 in service\n[!] watches: lamps.example.dev is not served\nready\n";
        assert_eq!(health.report(), (true, ready.to_owned()));
        health.ask("modules", || Check::NotReady("being loaded".to_owned()));
        let not_ready = "[!] watches: lamps.example.dev is not served\n[-] modules: being loaded\nnot ready\n";
        assert_eq!(health.report(), (false, not_ready.to_owned()));
    }
}
