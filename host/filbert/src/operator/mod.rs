//! What makes up a running operator beside the passes of its host: each part is a task that is told what it depends on.
//!
//! | module | subject |
//! | --- | --- |
//! | [`admission`] | reviews over HTTPS, and what makes API servers ask for them |
//! | [`health`] | `/livez`, `/readyz`, `/metrics` |
//! | [`metrics`] | what is counted |
//! | [`overlay`] | modules from `ConfigMaps` |
//! | [`parts`] | all that runs beside the passes: what is added to the operator is added there |

pub(crate) mod admission;
pub(crate) mod health;
pub(crate) mod metrics;
pub(crate) mod overlay;
pub(crate) mod parts;

use std::sync::Arc;

use filbert_runtime::Host;
use tokio::sync::watch;

use self::health::Health;
use self::metrics::Metrics;

/// What a part of the operator is told. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// Requests to the API server of parts that act whether this replica leads or not.
    pub(crate) client: kube::Client,
    /// The same for parts that act only while this replica leads: outside of that, their writes are held back.
    pub(crate) fenced: kube::Client,
    /// Passes, caches, and by its library the modules and pipelines as they change.
    pub(crate) host: Host,
    /// Whether this replica leads, as it changes.
    pub(crate) leading: watch::Receiver<bool>,
    /// Whether the operator is to end.
    pub(crate) ending: Ending,
    /// Where the operator runs.
    pub(crate) namespace: Arc<str>,
    /// Where parts say whether they are ready.
    pub(crate) health: Health,
    /// Where parts count.
    pub(crate) metrics: Arc<Metrics>,
}

/// The sign that the operator is to end. Clones see the same sign.
#[derive(Debug, Clone)]
pub(crate) struct Ending(watch::Receiver<bool>);

impl Ending {
    /// The sign, and how it is given: by sending `true`.
    pub(crate) fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Waits for it.
    pub(crate) async fn comes(mut self) {
        // Whoever could give it is gone: as good.
        let _ = self.0.wait_for(|ending| *ending).await;
    }

    /// Whether it has been given.
    pub(crate) fn has_come(&self) -> bool {
        *self.0.borrow()
    }
}
