//! HTTPS with a certificate that can be replaced while connections are open.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tracing::{debug, warn};

use crate::certificate::{Pair, Unfit};

/// How long a client may take for the handshake, and for the headers of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Connections at one time. API servers keep a handful open each.
const CONNECTIONS: usize = 1024;

/// What a server shows to its clients. New connections see what was put here last; open ones go on with what they saw.
#[derive(Default)]
pub struct Credentials(RwLock<Option<Arc<CertifiedKey>>>);

impl Credentials {
    /// Shows these. Before there are any ([`Credentials::default`]), clients are turned away in the handshake.
    ///
    /// # Errors
    /// [`Unfit`] where TLS cannot use them. Who would trust them is not looked at.
    pub fn new(pair: &Pair) -> Result<Self, Unfit> {
        let credentials = Self::default();
        credentials.replace(pair)?;
        Ok(credentials)
    }

    /// Shows these from now on. What was shown before stays where these cannot be used.
    ///
    /// # Errors
    /// As [`Credentials::new`].
    pub fn replace(&self, pair: &Pair) -> Result<(), Unfit> {
        let new = Arc::new(pair.certified()?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(new);
        Ok(())
    }

    /// What is shown, if anything.
    pub(crate) fn shown(&self) -> Option<Arc<CertifiedKey>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

impl ResolvesServerCert for Credentials {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.shown()
    }
}

/// Why admission cannot be served.
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
    /// The TLS library refuses its own defaults.
    #[error("failed to set up TLS")]
    Tls(#[from] rustls::Error),
}

/// Listens, and answers nobody until it is run.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    acceptor: Acceptor,
    address: SocketAddr,
}

struct Acceptor(TlsAcceptor);

impl fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Acceptor")
    }
}

impl Server {
    /// Listens on this address; port 0 takes a free one.
    ///
    /// # Errors
    /// [`ServeError`] where the address cannot be had.
    pub async fn bind(address: SocketAddr, credentials: Arc<Credentials>) -> Result<Self, ServeError> {
        let listen = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let local = listener.local_addr().map_err(listen)?;
        // The provider is named, so that no process-wide choice is needed or changed.
        let mut config = rustls::ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(credentials);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { listener, acceptor: Acceptor(TlsAcceptor::from(Arc::new(config))), address: local })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `ended` is, then lets requests that have begun end within `drain`, and closes.
    pub async fn run(self, router: Router, ended: impl Future<Output = ()>, drain: Duration) {
        let Self { listener, acceptor: Acceptor(acceptor), .. } = self;
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        let (end, ending) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut ended = std::pin::pin!(ended);
        loop {
            let accepted = tokio::select! {
                () = &mut ended => break,
                accepted = accept(&listener, &places) => accepted,
            };
            while connections.try_join_next().is_some() {}
            if let Some((stream, place)) = accepted {
                connections.spawn(connection(stream, place, acceptor.clone(), router.clone(), ending.clone()));
            }
        }
        drop((listener, end, ending));
        let finished = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(drain, finished).await.is_err() {
            warn!("requests were cut off: they took longer than the time to drain");
        }
    }
}

/// One connection, until the client closes it or the server ends.
async fn connection(
    stream: TcpStream,
    _place: OwnedSemaphorePermit,
    acceptor: TlsAcceptor,
    router: Router,
    mut ending: watch::Receiver<()>,
) {
    let stream = match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return debug!(%error, "a client gave up during the TLS handshake"),
        Err(_) => return debug!("a client was too slow during the TLS handshake"),
    };
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder.http2().timer(TokioTimer::new());
    let served = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut served = std::pin::pin!(served);
    let outcome = tokio::select! {
        outcome = &mut served => outcome,
        // Nobody sends here: it ends when the sender goes.
        _ = ending.changed() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = outcome {
        debug!(%error, "a connection ended");
    }
}

/// The next connection, when there is room for it.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(TcpStream, OwnedSemaphorePermit)> {
    // The semaphore is never closed.
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Small answers go out at once; a delay of 40 ms each would be all there is to see.
            if let Err(error) = stream.set_nodelay(true) {
                debug!(%error, "failed to set TCP_NODELAY");
            }
            Some((stream, place))
        }
        Err(error) => {
            // Out of file descriptors, for example; accepting at once would spin.
            warn!(%error, "failed to accept a connection");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}
