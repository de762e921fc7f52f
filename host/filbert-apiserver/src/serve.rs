//! HTTPS: a certificate authority made at start, a server certificate, and a client certificate for the administrator.

use crate::core::Core;
use crate::message::User;
use crate::service::ApiService;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Why the server cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken or not ours.
    #[error("failed to listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A certificate could not be made.
    #[error("failed to make certificates")]
    Certificate(#[from] rcgen::Error),
    /// The certificates are not accepted by TLS.
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
    /// The certificate of clients cannot be verified.
    #[error("failed to set up client certificates")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
}

/// A server that listens; it stops when this is dropped.
#[derive(Debug)]
pub struct Serving {
    /// `https://HOST:PORT`
    pub url: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// A bearer token of the administrator.
    pub token: String,
    ca: String,
    client_certificate: String,
    client_key: String,
    accepting: JoinHandle<()>,
}

struct Certificates {
    ca: String,
    client_certificate: String,
    client_key: String,
    config: rustls::ServerConfig,
}

fn name(common: &str, organization: Option<&str>) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    if let Some(organization) = organization {
        name.push(DnType::OrganizationName, organization);
    }
    name
}

fn certificates(address: SocketAddr) -> Result<Certificates, ServeError> {
    let mut ca = CertificateParams::new(Vec::new())?;
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    ca.distinguished_name = name("filbert-apiserver-ca", None);
    let ca_key = KeyPair::generate()?;
    let ca_certificate = ca.self_signed(&ca_key)?;
    let issuer = Issuer::new(ca, ca_key);

    let mut hosts = vec!["localhost".to_owned(), "kubernetes".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    hosts.push(address.ip().to_string());
    hosts.sort();
    hosts.dedup();
    let mut server = CertificateParams::new(hosts)?;
    server.distinguished_name = name("filbert-apiserver", None);
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let server_key = KeyPair::generate()?;
    let server = server.signed_by(&server_key, &issuer)?;

    let administrator = User::administrator();
    let mut client = CertificateParams::new(Vec::new())?;
    client.distinguished_name = name(&administrator.name, Some("system:masters"));
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    client.use_authority_key_identifier_extension = true;
    let client_key = KeyPair::generate()?;
    let client = client.signed_by(&client_key, &issuer)?;

    let mut roots = RootCertStore::empty();
    roots.add(ca_certificate.der().clone())?;
    // The provider is named, so that no process-wide choice is needed or changed.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .allow_unauthenticated()
        .build()?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
    let chain: Vec<CertificateDer<'static>> = vec![server.der().clone()];
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Certificates {
        ca: ca_certificate.pem(),
        client_certificate: client.pem(),
        client_key: client_key.serialize_pem(),
        config,
    })
}

pub(crate) async fn serve(core: Arc<Core>, address: SocketAddr) -> Result<Serving, ServeError> {
    let listen = |source| ServeError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let made = certificates(address)?;
    let token = uuid::Uuid::new_v4().simple().to_string();
    core.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(token.clone(), User::administrator());
    let acceptor = TlsAcceptor::from(Arc::new(made.config));
    let accepting = tokio::spawn(accept(core, listener, acceptor));
    Ok(Serving {
        url: format!("https://{address}"),
        address,
        token,
        ca: made.ca,
        client_certificate: made.client_certificate,
        client_key: made.client_key,
        accepting,
    })
}

async fn accept(core: Arc<Core>, listener: TcpListener, acceptor: TlsAcceptor) {
    // Connections end with this task, since the set aborts what it holds when it is dropped.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, for example; accepting at once would spin.
                tracing::warn!(%error, "failed to accept a connection");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        while connections.try_join_next().is_some() {}
        // Small answers go out at once; a delay of 40 ms each would be all there is to see.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "failed to set TCP_NODELAY");
        }
        let (core, acceptor) = (core.clone(), acceptor.clone());
        connections.spawn(async move {
            let stream = match acceptor.accept(stream).await {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::debug!(%error, "a client gave up during the TLS handshake");
                    return;
                }
            };
            let known = stream.get_ref().1.peer_certificates().is_some_and(|chain| !chain.is_empty());
            let caller = if known { User::administrator() } else { User::anonymous() };
            let service = TowerToHyperService::new(ApiService::new(core, caller));
            let served = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
            if let Err(error) = served {
                tracing::debug!(error = %error, "a connection ended");
            }
        });
    }
}

impl Serving {
    /// A kubeconfig with the certificate authority and the administrator's certificate in it.
    pub fn kubeconfig(&self) -> String {
        let encode = |text: &str| STANDARD.encode(text);
        format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: filbert\n  cluster:\n    server: {}\n    certificate-authority-data: {}\nusers:\n- name: admin\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\ncontexts:\n- name: filbert\n  context:\n    cluster: filbert\n    user: admin\n    namespace: default\ncurrent-context: filbert\n",
            self.url,
            encode(&self.ca),
            encode(&self.client_certificate),
            encode(&self.client_key),
        )
    }

    /// The certificate authority, in PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// Stops listening and ends all connections.
    pub async fn shutdown(mut self) {
        self.accepting.abort();
        // The task was cancelled, which is what the error would say.
        let _cancelled = (&mut self.accepting).await;
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
