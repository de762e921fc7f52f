//! Keeps the certificate that the webhooks show, and tells whom API servers are to trust: from a Secret that the replicas
//! share and that the host fills itself, or from files that somebody else writes.

mod folder;
mod secret;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use filbert_kube::ApiError;
use filbert_runtime::clock::SharedClock;
use tokio::sync::watch;
use tracing::warn;

pub use folder::Folder;
pub use secret::{Position, SecretOptions, Shared};

use crate::certificate::{Pair, Unfit};
use crate::chain::Chain;
use crate::serve::Credentials;

/// PEM of the authorities that API servers are to trust. Empty: those that everybody trusts.
pub type Trust = Arc<str>;

/// How often the time and files are looked at.
pub const LOOK: Duration = Duration::from_secs(15);

/// Why certificates are not as they should be. What was shown before goes on.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// The API server did not take or give the Secret.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Certificates cannot be made for these names.
    #[error("failed to make certificates for {names}")]
    Make {
        /// By which API servers would call.
        names: String,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// A file cannot be read.
    #[error("failed to read `{}`", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// What was found is no good.
    #[error(transparent)]
    Unfit(#[from] Unfit),
}

/// What is shown, and who vouches for it.
#[derive(Debug)]
pub struct Showing {
    credentials: Arc<Credentials>,
    trust: watch::Sender<Option<Trust>>,
}

impl Default for Showing {
    fn default() -> Self {
        Self { credentials: Arc::default(), trust: watch::channel(None).0 }
    }
}

impl Showing {
    /// What servers show.
    pub fn credentials(&self) -> Arc<Credentials> {
        self.credentials.clone()
    }

    /// Whom API servers are to trust; nothing before there is anything to be shown.
    pub fn trust(&self) -> watch::Receiver<Option<Trust>> {
        self.trust.subscribe()
    }

    fn show(&self, pair: &Pair, trust: &str) -> Result<(), Unfit> {
        self.credentials.replace(pair)?;
        self.vouch(trust);
        Ok(())
    }

    fn vouch(&self, trust: &str) {
        self.trust.send_if_modified(|told| {
            let is_new = told.as_deref() != Some(trust);
            if is_new {
                *told = Some(trust.into());
            }
            is_new
        });
    }
}

/// Where certificates come from.
#[derive(Debug)]
pub enum Certificates {
    /// Made here.
    Shared(Box<Shared>),
    /// Somebody else writes them.
    Folder(Box<Folder>),
}

impl Certificates {
    /// What is shown.
    pub fn showing(&self) -> &Showing {
        match self {
            Self::Shared(shared) => shared.showing(),
            Self::Folder(folder) => folder.showing(),
        }
    }

    /// Does what is to be done now.
    ///
    /// # Errors
    /// [`CertificatesError`]; what was shown goes on, and it is worth trying again.
    pub async fn look(&mut self) -> Result<(), CertificatesError> {
        match self {
            Self::Shared(shared) => shared.look().await,
            Self::Folder(folder) => folder.look(),
        }
    }

    /// Looks at every change and every so often, for ever. May be cut off anywhere.
    pub async fn run(mut self, every: Duration) {
        let mut said = None;
        loop {
            let problem = self.look().await.err().map(|error| Chain(&error).to_string());
            if let Some(error) = problem.as_ref().filter(|_| problem != said) {
                warn!(error, "certificates are not as they should be; what was shown goes on");
            }
            said = problem;
            let changed = async {
                match &mut self {
                    Self::Shared(shared) => shared.changed().await,
                    Self::Folder(_) => std::future::pending().await,
                }
            };
            // The time is looked at in short steps, because it need not be that of this machine.
            let _ = tokio::time::timeout(every, changed).await;
        }
    }
}

/// The time, and how long the same has held.
#[derive(Debug, Default)]
struct Since(Option<(Trust, u64)>);

impl Since {
    /// What has held for at least this long; `now` says what holds now.
    fn settled(&mut self, holds: Option<Trust>, clock: &SharedClock, time: Duration) -> Option<Trust> {
        let now = clock.now();
        let Some(holds) = holds else {
            self.0 = None;
            return None;
        };
        match &self.0 {
            Some((held, since)) if *held == holds => {
                let passed = u128::from(now.saturating_sub(*since)) >= time.as_millis();
                passed.then_some(holds)
            }
            _ => {
                self.0 = Some((holds, now));
                None
            }
        }
    }
}
