//! Admission as one thing: the server on threads of its own, its certificates, and the configurations that make API servers
//! ask it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use filbert_kube::Api;
use filbert_runtime::Host;
use kube::Client;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tracing::info;

use crate::certificates::{Certificates, Folder, LOOK, Position, SecretOptions, Shared, Trust};
use crate::configuration::{Installation, Reach};
use crate::judge::Judge;
use crate::lane::{self, Lane};
use crate::registration::{Registration, Sources};
use crate::rotation::LIFE;
use crate::router::router;
use crate::serve::{ServeError, Server};

/// How admission is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where API servers find it.
    pub reach: Reach,
    /// What is the same for all its webhooks.
    pub installation: Installation,
    /// Where certificates come from.
    pub source: Source,
    /// How often the time and files are looked at.
    pub look: Duration,
    /// How long it goes on taking new requests after it was told to end: until every API server knows that it must ask
    /// somebody else.
    pub linger: Duration,
    /// How long requests that have begun may take after that.
    pub drain: Duration,
    /// Threads of its own.
    pub threads: usize,
}

impl Options {
    /// With all else as it suits most.
    pub fn new(listen: SocketAddr, reach: Reach, installation: Installation) -> Self {
        Self {
            listen,
            reach,
            installation,
            source: Source::default(),
            look: LOOK,
            linger: Duration::from_secs(5),
            drain: Duration::from_secs(15),
            threads: lane::threads(),
        }
    }
}

/// Where certificates come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The host makes them, and shares them with the other replicas in this Secret of its namespace.
    Made {
        /// Its name.
        secret: String,
        /// How long a certificate is good. It is renewed after two thirds of that.
        life: Duration,
    },
    /// Somebody else writes `tls.crt`, `tls.key` and `ca.crt` into this folder.
    Folder(PathBuf),
}

impl Default for Source {
    fn default() -> Self {
        Self::Made { secret: "filbert-webhook-certificates".to_owned(), life: LIFE }
    }
}

/// Why there is no admission.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    /// There are no threads for it.
    #[error("failed to start the threads of admission")]
    Threads(#[source] std::io::Error),
    /// It cannot listen.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// A bug of ours.
    #[error("admission broke off")]
    BrokeOff(#[from] JoinError),
}

/// Admission that listens, and answers nobody until it is run.
pub struct Admission {
    server: Server,
    judge: Judge,
    lane: Lane,
    certificates: Certificates,
    registration: Registration,
    options: Options,
}

impl Admission {
    /// Listens. `leads` says whether this replica is the one that writes the webhook configurations; all serve.
    ///
    /// # Assumptions
    /// It is called on the tokio runtime on which the host runs.
    ///
    /// # Errors
    /// [`AdmissionError`] where the address cannot be had. Whatever else is missing is waited for.
    pub async fn start(
        host: &Host,
        client: Client,
        leads: watch::Receiver<bool>,
        options: Options,
    ) -> Result<Self, AdmissionError> {
        let (api, clock) = (Api::new(client), host.world().clock.clone());
        let names = options.reach.names();
        let owner = options.installation.owner.clone();
        // Each of the two follows the other: configurations name the authority, and its certificate is used when they do.
        let (applied, position_applied) = watch::channel(None);
        let certificates = match options.source.clone() {
            Source::Made { secret: name, life } => {
                let namespace = options.installation.namespace.clone();
                let secret = SecretOptions { namespace, name, names, life, owner };
                let position = Position { leads: leads.clone(), applied: position_applied };
                Certificates::Shared(Box::new(Shared::new(api.clone(), clock, secret, position)))
            }
            Source::Folder(folder) => Certificates::Folder(Box::new(Folder::new(folder, clock, names))),
        };
        let sources = Sources { serving: host.library().subscribe(), trust: certificates.showing().trust(), leads };
        let (reach, installation) = (options.reach.clone(), options.installation.clone());
        let registration = Registration::new(api, reach, installation, sources, applied);
        let judge = Judge::new(host.library().clone(), host.world().clone());
        let lane = Lane::start(options.threads).map_err(AdmissionError::Threads)?;
        // Its sockets belong to the threads that serve them.
        let server = lane.spawn(Server::bind(options.listen, certificates.showing().credentials())).await??;
        info!(address = %server.address(), "admission listens");
        Ok(Self { server, judge, lane, certificates, registration, options })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Something as soon as there is a certificate: before that no client gets past the handshake.
    pub fn trust(&self) -> watch::Receiver<Option<Trust>> {
        self.certificates.showing().trust()
    }

    /// Serves until `ended` is, then for a little longer, and ends with the last request. The configurations stay: somebody
    /// else answers, or the failure policies hold. May be cut off anywhere.
    ///
    /// # Errors
    /// [`AdmissionError::BrokeOff`] where the server did.
    pub async fn run(self, ended: impl Future<Output = ()>) -> Result<(), AdmissionError> {
        let Self { server, judge, lane, certificates, registration, options } = self;
        let (end, told) = oneshot::channel::<()>();
        // It ends with the sender, too.
        let told = async { drop(told.await) };
        let mut keepers = JoinSet::new();
        keepers.spawn(certificates.run(options.look));
        keepers.spawn(registration.run());
        let mut serving = lane.spawn(server.run(router(judge), told, options.drain));
        tokio::select! {
            () = ended => {}
            broken = &mut serving => return Ok(broken?),
        }
        tokio::time::sleep(options.linger).await;
        drop((keepers, end));
        serving.await?;
        Ok(())
    }
}
