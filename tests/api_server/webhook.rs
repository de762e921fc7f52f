//! An HTTPS server that plays admission webhooks: what it answers is set by path, and what it is asked is kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

#[derive(Default)]
struct State {
    answers: Mutex<Value>,
    requests: Mutex<Vec<Value>>,
    connections: Mutex<usize>,
    news: Notify,
}

/// It ends when this is dropped.
pub struct Webhooks {
    pub address: SocketAddr,
    /// The authority that signed its certificate, as a `caBundle`.
    pub authority: String,
    /// Another one.
    pub stranger: String,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

fn authority() -> (Issuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    (Issuer::new(params, key), STANDARD.encode(certificate.pem()))
}

impl Webhooks {
    /// Starts at a free port; `names` are in its certificate, besides `127.0.0.1`.
    pub async fn start(names: &[&str]) -> Self {
        let (issuer, bundle) = authority();
        let mut names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        names.push("127.0.0.1".to_owned());
        let key = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::new(names).expect("names").signed_by(&key, &issuer).expect("signed");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a certificate with its key");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = Arc::new(State::default());
        let accepting = tokio::spawn(accept(listener, TlsAcceptor::from(Arc::new(config)), state.clone()));
        Self { address, authority: bundle, stranger: authority().1, state, accepting }
    }

    /// What it answers from now on: path → `response`, or `raw` with `status`; `sleep` means never.
    pub fn answer(&self, answers: Value) {
        *self.state.answers.lock().expect("nobody panics here") = answers;
    }

    /// What it was asked since the last time: `path` and `body`, in order.
    pub fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.state.requests.lock().expect("nobody panics here"))
    }

    /// Waits until it was asked something.
    pub async fn asked(&self) {
        while self.state.requests.lock().expect("nobody panics here").is_empty() {
            self.state.news.notified().await;
        }
    }

    /// How many connections were made to it.
    pub fn connections(&self) -> usize {
        *self.state.connections.lock().expect("nobody panics here")
    }
}

impl Drop for Webhooks {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, state) = (acceptor.clone(), state.clone());
        connections.spawn(async move {
            // Clients that do not trust the certificate are part of the tests.
            let Ok(stream) = acceptor.accept(stream).await else { return };
            *state.connections.lock().expect("nobody panics here") += 1;
            let service = service_fn(move |request| respond(state.clone(), request));
            let served = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            if let Err(error) = served {
                println!("a webhook connection ended: {error}");
            }
        });
    }
}

async fn respond(state: Arc<State>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let uri = request.uri().clone();
    let body = request.into_body().collect().await.expect("a whole request").to_bytes();
    let body: Value = serde_json::from_slice(&body).expect("a review is JSON");
    let uid = body["request"]["uid"].clone();
    let path = uri.path_and_query().expect("a path").as_str();
    state.requests.lock().expect("nobody panics here").push(json!({ "path": path, "body": body }));
    state.news.notify_one();
    let answers = state.answers.lock().expect("nobody panics here").clone();
    let answer = answers.get(uri.path()).cloned().unwrap_or_else(|| json!({ "response": { "allowed": true } }));
    if answer.get("sleep").is_some() {
        std::future::pending::<()>().await;
    }
    let text = answer.get("raw").and_then(Value::as_str).map_or_else(|| review(&answer, &uid), str::to_owned);
    let status = answer.get("status").and_then(Value::as_u64).unwrap_or(200);
    let response = Response::builder()
        .status(u16::try_from(status).expect("a status"))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(text)));
    Ok(response.expect("a response"))
}

fn review(answer: &Value, uid: &Value) -> String {
    let mut response = answer["response"].clone();
    if response.get("uid").is_none() {
        response["uid"] = uid.clone();
    }
    if response["patch"].is_array() {
        response["patch"] = STANDARD.encode(response["patch"].to_string()).into();
    }
    let version = answer.get("apiVersion").cloned().unwrap_or_else(|| "admission.k8s.io/v1".into());
    json!({ "apiVersion": version, "kind": "AdmissionReview", "response": response }).to_string()
}
