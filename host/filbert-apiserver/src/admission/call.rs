//! Calls of webhooks over HTTPS, on threads of their own, so that they work on any runtime and from none.

use super::http_error;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;

/// Answers above this size are not read.
const LARGEST_ANSWER: usize = 8 * 1024 * 1024;
/// Connections to one webhook that are kept for the next calls.
const KEPT: usize = 16;

type Sender = SendRequest<Full<Bytes>>;

/// Why a place is none.
pub(super) type PlaceError = String;

/// Whom connections lead to; those to the same peer can stand for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Peer {
    /// `host:port` to connect to.
    address: String,
    /// The name in its certificate.
    name: String,
    /// Certificates in PEM of the authorities that may have signed it.
    authorities: Arc<[u8]>,
}

/// Where a webhook is called.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// As messages name it.
    url: String,
    /// Path and query.
    path: String,
    host: String,
    /// An error is that of looking it up; it is told as a failed connection is.
    peer: Result<Peer, String>,
}

impl Place {
    /// A webhook that is named by its URL.
    pub(super) fn of_url(url: &str, authorities: Arc<[u8]>) -> Result<Self, PlaceError> {
        let unfit = || format!("could not get REST client: {url:?} is no URL");
        let parsed: http::Uri = url.parse().map_err(|_| unfit())?;
        let name = parsed.host().ok_or_else(unfit)?.to_owned();
        let host = parsed.authority().map_or_else(|| name.clone(), ToString::to_string);
        let address = format!("{name}:{}", parsed.port_u16().unwrap_or(443));
        let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
        let peer = Ok(Peer { address, name, authorities });
        let path = parsed.path().to_owned();
        let url = if path == "/" { format!("{}/", url.trim_end_matches('/')) } else { url.to_owned() };
        Ok(Self { url, path, host, peer })
    }

    /// A webhook behind a service, which was resolved to an address.
    pub(super) fn of_service(
        url: String,
        host: String,
        address: Result<String, String>,
        path: String,
        authorities: Arc<[u8]>,
    ) -> Self {
        let peer = address.map(|address| Peer { address, name: host.clone(), authorities });
        Self { url, path, host, peer }
    }
}

/// Calls webhooks and keeps connections to them.
#[derive(Default)]
pub(super) struct Caller {
    runtime: OnceLock<Option<Runtime>>,
    connections: Arc<Connections>,
}

#[derive(Default)]
struct Connections(Mutex<HashMap<Peer, Vec<Sender>>>);

impl Caller {
    /// The body of the answer of a webhook; the error is the reason that a real server gives.
    pub(super) async fn call(&self, place: Place, timeout: Duration, body: Value) -> Result<Bytes, String> {
        let runtime = self.runtime.get_or_init(|| {
            let built = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("filbert-webhooks")
                .enable_all()
                .build();
            built.inspect_err(|error| tracing::error!(%error, "failed to start the runtime of webhook calls")).ok()
        });
        let runtime = runtime.as_ref().ok_or_else(|| "no threads are left for calls of webhooks".to_owned())?;
        let connections = self.connections.clone();
        let question = Bytes::from(body.to_string());
        let query = format!("timeout={}s", timeout.as_secs());
        let posted = format!("Post \"{}?{query}\"", place.url);
        let path = format!("{}?{query}", place.path);
        let work = async move {
            let answered = tokio::time::timeout(timeout, async {
                connections.exchange(&place.peer?, &place.host, &path, question).await
            });
            answered.await.unwrap_or_else(|_| Err("context deadline exceeded".to_owned()))
        };
        let answered = runtime.spawn(work).await.unwrap_or_else(|_| Err("the call was cut off".to_owned()));
        let failed = |why: String| format!("failed to call webhook: {why}");
        let answer = answered.map_err(|why| failed(format!("{posted}: {why}")))?;
        if answer.status.is_success() {
            return Ok(answer.body);
        }
        Err(failed(http_error::message(answer.status, &answer.content_type, &answer.body)))
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        // Waiting for it is not allowed where the last server may be dropped: on a runtime.
        if let Some(Some(runtime)) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct Answer {
    status: StatusCode,
    content_type: String,
    body: Bytes,
}

impl Connections {
    async fn exchange(&self, peer: &Peer, host: &str, path: &str, body: Bytes) -> Result<Answer, String> {
        let mut request = Request::post(path)
            .header(header::HOST, host)
            .header(header::ACCEPT, "application/json, */*")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "kube-apiserver-admission")
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        loop {
            let (mut sender, is_new) = match self.take(peer) {
                Some(sender) => (sender, false),
                None => (connect(peer).await?, true),
            };
            if sender.ready().await.is_err() && !is_new {
                continue;
            }
            match sender.try_send_request(request).await {
                Ok(response) => {
                    let (parts, body) = response.into_parts();
                    let body = Limited::new(body, LARGEST_ANSWER).collect().await.map_err(|error| error.to_string())?;
                    self.keep(peer, sender);
                    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
                    return Ok(Answer {
                        status: parts.status,
                        content_type: content_type.unwrap_or_default().to_owned(),
                        body: body.to_bytes(),
                    });
                }
                Err(mut error) => match error.take_message() {
                    // The other side had closed a connection that was idle, and nothing of this was sent.
                    Some(unsent) if !is_new => request = unsent,
                    _ if error.error().is_incomplete_message() => return Err("EOF".to_owned()),
                    _ => return Err(error.into_error().to_string()),
                },
            }
        }
    }

    fn take(&self, peer: &Peer) -> Option<Sender> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = idle.get_mut(peer)?;
        while let Some(sender) = senders.pop() {
            if !sender.is_closed() {
                return Some(sender);
            }
        }
        None
    }

    fn keep(&self, peer: &Peer, sender: Sender) {
        if sender.is_closed() {
            return;
        }
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let senders = idle.entry(peer.clone()).or_default();
        if senders.len() < KEPT {
            senders.push(sender);
        }
    }
}

async fn connect(peer: &Peer) -> Result<Sender, String> {
    let connector = connector(peer)?;
    let name = ServerName::try_from(peer.name.clone()).map_err(|error| error.to_string())?;
    let stream = TcpStream::connect(&peer.address).await.map_err(|error| http_error::dial(&peer.address, &error))?;
    // Small questions go out at once.
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let stream = connector.connect(name, stream).await.map_err(|error| http_error::handshake(&error, &peer.name))?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to a webhook ended");
        }
    });
    Ok(sender)
}

fn connector(peer: &Peer) -> Result<TlsConnector, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&peer.authorities) {
        let certificate = certificate.map_err(|error| format!("unable to load root certificates: {error}"))?;
        roots.add(certificate).map_err(|error| format!("unable to load root certificates: {error}"))?;
    }
    if roots.is_empty() {
        return Err(http_error::UNKNOWN_AUTHORITY.to_owned());
    }
    // The provider is named, so that no process-wide choice is needed or changed.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
