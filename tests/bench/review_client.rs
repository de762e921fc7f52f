//! Asks for reviews as an API server does: over TLS, on connections that are kept. As little as that takes, so that the
//! server is what is measured.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Whom to ask.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    connector: TlsConnector,
}

/// One connection and the request that is made on it.
pub(crate) struct Connection {
    stream: TlsStream<TcpStream>,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Target {
    /// Trusts this authority.
    pub(crate) fn new(address: SocketAddr, authority: &str) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.as_bytes())?)?;
        let provider = rustls::crypto::ring::default_provider();
        let config = rustls::ClientConfig::builder_with_provider(provider.into())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { address, connector: TlsConnector::from(Arc::new(config)) })
    }

    /// A connection on which this review is asked for.
    pub(crate) async fn connect(&self, path: &str, request: &Value) -> Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let stream = self.connector.connect(ServerName::from(self.address.ip()), stream).await?;
        let review =
            serde_json::json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
        let body = review.to_string();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        Ok(Connection { stream, request: request.into_bytes(), answer: Vec::new() })
    }
}

impl Connection {
    /// Whether it is allowed.
    pub(crate) async fn ask(&mut self) -> Result<bool> {
        const ALLOWED: &[u8] = b"\"allowed\":true";
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        let body = loop {
            let read = self.stream.read_buf(&mut self.answer).await?;
            ensure!(read > 0, "the server closed the connection");
            if let Some(end) = find(&self.answer, b"\r\n\r\n") {
                let head = std::str::from_utf8(self.answer.get(..end).unwrap_or_default())?;
                ensure!(head.starts_with("HTTP/1.1 200"), "the server answered {head}");
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.context("an answer has a length")?.parse()?;
                if let Some(body) = self.answer.get(end + 4..end + 4 + length) {
                    break body;
                }
            }
        };
        Ok(find(body, ALLOWED).is_some())
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

/// How fast answers came.
#[derive(Default)]
pub(crate) struct Speed {
    /// Milliseconds, sorted.
    times: Vec<f64>,
    took: Duration,
}

impl Speed {
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        crate::report::quantile(&self.times, part)
    }

    #[expect(clippy::cast_precision_loss, reason = "for people")]
    pub(crate) fn per_second(&self) -> f64 {
        self.times.len() as f64 / self.took.as_secs_f64()
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.times.extend(other.times);
        self.times.sort_by(f64::total_cmp);
        self.took += other.took;
    }
}

/// So many callers at once for so long, each with a connection of its own, each of whose requests is allowed.
pub(crate) async fn callers(
    target: &Target,
    path: &str,
    request: &Value,
    callers: usize,
    time: Duration,
) -> Result<Speed> {
    let mut connections = Vec::new();
    for _ in 0..callers {
        connections.push(target.connect(path, request).await?);
    }
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for mut connection in connections {
        tasks.spawn(async move {
            let mut times = Vec::new();
            while started.elapsed() < time {
                let asked = Instant::now();
                ensure!(connection.ask().await?, "a good request was refused");
                times.push(asked.elapsed().as_secs_f64() * 1e3);
            }
            Ok(times)
        });
    }
    let mut speed = Speed::default();
    while let Some(times) = tasks.join_next().await {
        speed.times.extend(times??);
    }
    speed.took = started.elapsed();
    speed.times.sort_by(f64::total_cmp);
    Ok(speed)
}
