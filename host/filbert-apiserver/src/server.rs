//! The server itself.

use crate::background;
use crate::clock::Clock;
use crate::controllers::PodFate;
use crate::core::{Core, Options};
use crate::message::User;
use crate::resource::CollectionId;
use crate::serve::{ServeError, Serving};
use crate::service::ApiService;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// An API server; a clone is the same server.
///
/// # Guarantees
///
/// * Everything is in memory and gone with the last clone, client and [`Serving`].
/// * A client may be used on any tokio runtime that has time enabled.
#[derive(Clone)]
pub struct ApiServer {
    core: Arc<Core>,
}

impl std::fmt::Debug for ApiServer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("ApiServer")
    }
}

/// How a server is made.
#[derive(Clone)]
pub struct Builder {
    options: Options,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Builder")
    }
}

impl ApiServer {
    /// Begins a server with the system's clock, and no controllers but the ones that finish deletions of namespaces and definitions.
    pub fn builder() -> Builder {
        Builder {
            options: Options {
                clock: Clock::system(),
                history: 16_384,
                namespace_finalisation: true,
                garbage_collector: false,
                service_accounts: false,
                stand_ins: false,
                fate: Arc::new(PodFate::usual),
            },
        }
    }

    /// A client in the same process, without sockets; it is an administrator.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.service(), "default")
    }

    /// The server as a `tower` service; requests without credentials are an administrator's.
    pub fn service(&self) -> ApiService {
        ApiService::new(self.core.clone(), User::administrator())
    }

    /// The server as those see it who come without credentials.
    pub fn anonymous_service(&self) -> ApiService {
        ApiService::new(self.core.clone(), User::anonymous())
    }

    /// Serves HTTPS at `address` (port 0 takes a free one) until the answer is dropped or shut down.
    pub async fn serve(&self, address: SocketAddr) -> Result<Serving, ServeError> {
        crate::serve::serve(self.core.clone(), address).await
    }

    /// How many requests were made, by verb (`create`, `patch`, `watch`, …) and resource (`pods`, `pods/status`).
    pub fn requests(&self) -> BTreeMap<(String, String), u64> {
        self.core.requests()
    }

    /// The writes among [`Self::requests`].
    pub fn writes(&self) -> u64 {
        let writes = ["create", "update", "patch", "delete", "deletecollection"];
        self.requests()
            .into_iter()
            .filter(|((verb, _), _)| writes.contains(&verb.as_str()))
            .map(|(_, count)| count)
            .sum()
    }

    /// Asks again what becomes of each simulated pod, for a rule that has changed its mind.
    pub fn reconsider_pods(&self) {
        self.core.store.tell_again(&CollectionId::new("", "pods"));
    }

    /// Whether the simulated controllers and the garbage collector have dealt with every change so far. What they do is
    /// a change as well, so this is true only once nothing is left to do.
    pub fn controllers_are_idle(&self) -> bool {
        self.core.handled.load(Ordering::Acquire) == self.core.store.told()
    }

    /// Sends calls of webhooks behind a service to `address`, whatever the objects of the service say; `None` ends that.
    ///
    /// Without a route, a webhook's service is reached at the first ready endpoint in its `EndpointSlices`.
    pub fn route_service(&self, namespace: &str, name: &str, address: Option<SocketAddr>) {
        self.core.admission.routes.set(namespace, name, address);
    }

    /// The audit annotations that webhooks gave, the latest last: the webhook's name and the key, and the value. The last
    /// thousand are kept.
    pub fn audit_annotations(&self) -> Vec<(String, String)> {
        self.core.admission.annotations()
    }

    /// The revision of the last change.
    pub fn revision(&self) -> u64 {
        self.core.store.revision()
    }

    /// Forgets the history, as compaction of a real store does: watches and pages of older revisions get `410 Expired`.
    pub fn compact(&self) {
        self.core.store.compact();
    }
}

impl Builder {
    /// Where times come from.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.options.clock = clock;
        self
    }

    /// How many changes of each resource are kept for watches that begin in the past or fall behind.
    #[must_use]
    pub fn history(mut self, changes: usize) -> Self {
        self.options.history = changes.max(1);
        self
    }

    /// Whether a namespace that is deleted loses its contents and goes; on unless switched off.
    #[must_use]
    pub fn namespace_finalisation(mut self, on: bool) -> Self {
        self.options.namespace_finalisation = on;
        self
    }

    /// Whether dependents follow their owners; off unless switched on.
    #[must_use]
    pub fn garbage_collector(mut self, on: bool) -> Self {
        self.options.garbage_collector = on;
        self
    }

    /// Whether every namespace has a service account `default`; off unless switched on.
    #[must_use]
    pub fn service_accounts(mut self, on: bool) -> Self {
        self.options.service_accounts = on;
        self
    }

    /// Whether simulated controllers make Pods from `StatefulSets`, `EndpointSlices` from Services and so on; off unless switched on.
    #[must_use]
    pub fn stand_ins(mut self, on: bool) -> Self {
        self.options.stand_ins = on;
        self
    }

    /// What becomes of the pods of the simulated controllers: asked whenever a pod changes, and again after
    /// [`ApiServer::reconsider_pods`]. Without it pods of Jobs succeed, and all others are ready.
    #[must_use]
    pub fn pod_fate(mut self, fate: impl Fn(&Value) -> PodFate + Send + Sync + 'static) -> Self {
        self.options.fate = Arc::new(fate);
        self
    }

    /// The server, running. Its controllers work on a thread of their own.
    pub fn build(self) -> ApiServer {
        let core = Arc::new(Core::new(self.options));
        core.seed();
        background::start(&core);
        ApiServer { core }
    }
}

#[cfg(test)]
mod tests;
