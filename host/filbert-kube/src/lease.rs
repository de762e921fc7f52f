//! Which of several replicas leads: a `Lease`, taken and renewed by compare-and-swap on its resource version.
//!
//! Nobody's clock is compared with anybody else's. A replica that waits takes a lease once it has seen no renewal for the
//! whole of its duration; the one that holds it ceases to act after a shorter time without one, counted from before it sent the
//! last that succeeded.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{ObjectMeta, PostParams};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tracing::{debug, info, warn};

use crate::api::{ApiError, Chain};
use crate::pause::jittered;
use crate::tenure::Tenure;

/// Answers what time it is. Written into the lease for people to read; nothing depends on it.
pub type Now = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How a lease is held.
#[derive(Clone)]
pub struct LeaseSettings {
    /// Where it is.
    pub namespace: String,
    /// What it is called.
    pub name: String,
    /// Who this replica is; nobody else may ever have been called so.
    pub identity: String,
    /// How long the others wait for a sign of life before they take it.
    pub duration: Duration,
    /// How long this replica acts without a renewal; shorter than the duration.
    pub renew_deadline: Duration,
    /// Pause between two tries, made longer by up to a fifth.
    pub retry: Duration,
    /// The time.
    pub now: Now,
}

/// One replica among those that want to lead.
pub struct Election {
    api: kube::Api<Lease>,
    settings: LeaseSettings,
    tenure: Tenure,
    holder: watch::Sender<Option<String>>,
    seen: Option<Seen>,
    /// What was complained about last, so that it is said once.
    said: Option<String>,
}

/// The lease as it was when it last looked different from before.
struct Seen {
    version: String,
    at: Instant,
}

impl Election {
    /// Takes no part until it runs.
    pub fn new(client: Client, settings: LeaseSettings) -> Self {
        let api = kube::Api::namespaced(client, &settings.namespace);
        let (tenure, holder) = (Tenure::default(), watch::Sender::new(None));
        Self { api, settings, tenure, holder, seen: None, said: None }
    }

    /// When this replica may act.
    pub fn tenure(&self) -> &Tenure {
        &self.tenure
    }

    /// Who leads, as far as is known.
    pub fn holder(&self) -> watch::Receiver<Option<String>> {
        self.holder.subscribe()
    }

    /// Takes the lease whenever it is free and holds it, until `ending` comes; then gives it back, so that nobody has to wait for
    /// its end.
    ///
    /// # Guarantees
    /// The tenure ends no later than the renew deadline after the last renewal began. It is over before the lease is given
    /// back.
    pub async fn run(mut self, ending: impl Future<Output = ()>) {
        let mut ending = std::pin::pin!(ending);
        loop {
            let taken = tokio::select! {
                () = &mut ending => return,
                taken = self.take() => taken,
            };
            let left = tokio::select! {
                () = &mut ending => true,
                () = self.hold(taken) => false,
            };
            self.tenure.end();
            if left {
                return self.release().await;
            }
            warn!(lease = %self.name(), "the lease is lost; nothing is done until it is taken again");
            self.holder.send_replace(None);
        }
    }

    fn name(&self) -> String {
        format!("{}/{}", self.settings.namespace, self.settings.name)
    }

    /// Waits until the lease is ours.
    async fn take(&mut self) -> Lease {
        loop {
            let asked = Instant::now();
            // Longer than that, an answer is of no use: the tenure would be over.
            match timeout(self.settings.renew_deadline, self.try_to_take()).await {
                Ok(Ok(Some(lease))) => {
                    self.said = None;
                    self.tenure.extend(asked + self.settings.renew_deadline);
                    self.holder.send_replace(Some(self.settings.identity.clone()));
                    info!(lease = %self.name(), identity = self.settings.identity, "leading");
                    return lease;
                }
                Ok(Ok(None)) => self.said = None,
                Ok(Err(error)) => self.complain(&error),
                Err(_) => self.complain(&self.unanswered()),
            }
            tokio::time::sleep(jittered(self.settings.retry)).await;
        }
    }

    fn unanswered(&self) -> ApiError {
        let silence = std::io::Error::new(std::io::ErrorKind::TimedOut, "the API server does not answer");
        ApiError::new("take the lease", &self.name(), kube::Error::Service(silence.into()))
    }

    fn complain(&mut self, error: &ApiError) {
        let text = Chain(error).to_string();
        if self.said.as_ref() != Some(&text) {
            warn!(lease = %self.name(), error = text, "the lease cannot be had or renewed, trying again");
        }
        self.said = Some(text);
    }

    /// The lease where it is ours now; nothing where somebody else has it.
    async fn try_to_take(&mut self) -> Result<Option<Lease>, ApiError> {
        let failed = |error| ApiError::new("take the lease", &self.name(), error);
        let found = self.api.get_opt(&self.settings.name).await.map_err(failed)?;
        let written = match found {
            None => {
                let lease = Lease {
                    metadata: ObjectMeta { name: Some(self.settings.name.clone()), ..ObjectMeta::default() },
                    spec: Some(self.taken(None)),
                };
                self.api.create(&PostParams::default(), &lease).await
            }
            Some(lease) => {
                if !self.is_free(&lease) {
                    return Ok(None);
                }
                // With the resource version that was read: whoever was faster wins.
                let spec = Some(self.taken(lease.spec.as_ref()));
                self.api.replace(&self.settings.name, &PostParams::default(), &Lease { spec, ..lease }).await
            }
        };
        match written {
            Ok(lease) => Ok(Some(lease)),
            Err(error) if is_conflict(&error) => Ok(None),
            Err(error) => Err(ApiError::new("take the lease", &self.name(), error)),
        }
    }

    /// Whether nobody holds it, or nobody has renewed it while we looked on for as long as it lasts.
    fn is_free(&mut self, lease: &Lease) -> bool {
        let spec = lease.spec.as_ref();
        let holder = spec.and_then(|spec| spec.holder_identity.as_deref()).filter(|holder| !holder.is_empty());
        self.holder.send_if_modified(|known| {
            let is_new = known.as_deref() != holder;
            if is_new {
                *known = holder.map(str::to_owned);
                if holder.is_some() {
                    info!(lease = %self.name(), holder, "another replica leads");
                }
            }
            is_new
        });
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let now = Instant::now();
        if self.seen.as_ref().is_none_or(|seen| seen.version != version) {
            self.seen = Some(Seen { version, at: now });
        }
        let since = self.seen.as_ref().map_or(now, |seen| seen.at);
        let lasts = spec.and_then(|spec| spec.lease_duration_seconds).and_then(|it| u64::try_from(it).ok());
        let lasts = lasts.map_or(self.settings.duration, Duration::from_secs);
        holder.is_none_or(|holder| holder == self.settings.identity) || now.duration_since(since) > lasts
    }

    /// What the lease says where we take it from whoever had it.
    fn taken(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = MicroTime((self.settings.now)());
        let transitions = before.map_or(0, |before| before.lease_transitions.unwrap_or(0).saturating_add(1));
        let seconds = self.settings.duration.as_millis().div_ceil(1000);
        LeaseSpec {
            holder_identity: Some(self.settings.identity.clone()),
            lease_duration_seconds: Some(i32::try_from(seconds).unwrap_or(i32::MAX)),
            acquire_time: Some(now.clone()),
            renew_time: Some(now),
            lease_transitions: Some(transitions),
            ..before.cloned().unwrap_or_default()
        }
    }

    /// Renews the lease until that fails for too long, or somebody else has it.
    async fn hold(&mut self, mut lease: Lease) {
        let mut next = Instant::now() + jittered(self.settings.retry);
        loop {
            let Some(until) = self.tenure.until() else { return };
            sleep_until(next.min(until)).await;
            let asked = Instant::now();
            if asked >= until {
                return;
            }
            match timeout_at(until, self.renew(&lease)).await {
                Ok(Ok(Renewal::Ours(renewed))) => {
                    debug!(lease = %self.name(), "renewed");
                    self.said = None;
                    lease = *renewed;
                    self.tenure.extend(asked + self.settings.renew_deadline);
                }
                Ok(Ok(Renewal::Theirs)) => return,
                Ok(Err(error)) => self.complain(&error),
                Err(_) => {
                    self.complain(&self.unanswered());
                    return;
                }
            }
            next = Instant::now() + jittered(self.settings.retry);
        }
    }

    async fn renew(&self, lease: &Lease) -> Result<Renewal, ApiError> {
        let failed = |error| ApiError::new("renew the lease", &self.name(), error);
        let mut lease = lease.clone();
        loop {
            if let Some(spec) = &mut lease.spec {
                spec.renew_time = Some(MicroTime((self.settings.now)()));
            }
            let written = self.api.replace(&self.settings.name, &PostParams::default(), &lease).await;
            match written {
                Ok(renewed) => return Ok(Renewal::Ours(renewed.into())),
                // Written by somebody: a renewal of ours whose answer was lost, a person's annotation, or another replica.
                Err(error) if is_conflict(&error) => {
                    let found = self.api.get_opt(&self.settings.name).await.map_err(failed)?;
                    let holder = |lease: &Lease| lease.spec.as_ref()?.holder_identity.clone();
                    match found.filter(|found| holder(found).as_ref() == Some(&self.settings.identity)) {
                        Some(found) => lease = found,
                        None => return Ok(Renewal::Theirs),
                    }
                }
                Err(error) if is_not_found(&error) => return Ok(Renewal::Theirs),
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Says that nobody holds it, where we still do.
    async fn release(&self) {
        let release = async {
            let Some(mut lease) = self.api.get_opt(&self.settings.name).await? else { return Ok(false) };
            let Some(spec) = lease.spec.as_mut() else { return Ok(false) };
            if spec.holder_identity.as_ref() != Some(&self.settings.identity) {
                return Ok(false);
            }
            spec.holder_identity = None;
            spec.renew_time = Some(MicroTime((self.settings.now)()));
            spec.lease_duration_seconds = Some(1);
            self.api.replace(&self.settings.name, &PostParams::default(), &lease).await.map(|_| true)
        };
        match timeout(self.settings.retry.max(Duration::from_secs(2)), release).await {
            Ok(Ok(true)) => info!(lease = %self.name(), "the lease is given back"),
            Ok(Ok(false)) => {}
            Ok(Err(error)) => warn!(lease = %self.name(), error = %Chain(&error), "the lease is not given back"),
            Err(_) => warn!(lease = %self.name(), "the lease is not given back: the API server does not answer"),
        }
    }
}

enum Renewal {
    Ours(Box<Lease>),
    Theirs,
}

fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

fn is_not_found(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}
