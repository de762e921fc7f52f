//! Keeps the webhook configurations of the cluster as the pipelines in service want them. Only the leader writes; all
//! replicas serve.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use filbert_kube::{Api, ApiError, Followed, Seen};
use filbert_plan::object::{self, ObjectKey};
use filbert_runtime::Serving;
use serde_json::Value;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::certificates::Trust;
use crate::changes::changed;
use crate::configuration::{Configurations, Installation, KINDS, Reach, Reviewed, configurations, keys};

/// Field manager of both configurations.
const MANAGER: &str = "filbert/webhooks";
/// Pauses before it is tried again where the API server did not take them.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What the configurations follow.
pub struct Sources {
    /// What is in service.
    pub serving: watch::Receiver<Arc<Serving>>,
    /// Whom API servers are to trust; nothing is written before that is known.
    pub trust: watch::Receiver<Option<Trust>>,
    /// Whether this replica leads.
    pub leads: watch::Receiver<bool>,
}

/// Keeps both configurations.
pub struct Registration {
    api: Api,
    reach: Reach,
    installation: Installation,
    sources: Sources,
    kept: [Configuration; 2],
    applied: watch::Sender<Option<Trust>>,
    left_out: BTreeSet<(String, String)>,
}

/// One configuration, as it is there.
struct Configuration {
    key: ObjectKey,
    followed: Followed,
    /// What was applied last, and the version that it became.
    applied: Option<(Value, u64)>,
}

impl Configuration {
    /// Makes it as it is wanted, where it is not. Says whether it is: where it is not known what there is, it will be asked for as
    /// soon as that is.
    async fn keep(&mut self, api: &Api, wanted: Option<&Value>) -> Result<bool, ApiError> {
        let live = match self.followed.seen() {
            Seen::Unknown => return Ok(false),
            Seen::Absent => None,
            Seen::There(live) => Some(version(&live)),
        };
        let Some(wanted) = wanted else {
            self.applied = None;
            if live.is_some() {
                api.delete(&self.key, None).await?;
                info!(configuration = %self.key, "withdrawn: no pipeline needs it");
            }
            return Ok(true);
        };
        // A version before ours is on its way to us; one after it is somebody else's.
        let is_so = |(applied, version): &(Value, u64)| applied == wanted && live.is_some_and(|live| live <= *version);
        if self.applied.as_ref().is_some_and(is_so) {
            return Ok(true);
        }
        let stored = api.apply(&self.key, wanted, MANAGER, true).await?;
        let is_new = live != Some(version(&stored));
        self.applied = Some((wanted.clone(), version(&stored)));
        if is_new {
            let webhooks = wanted.get("webhooks").and_then(Value::as_array).map_or(0, Vec::len);
            info!(configuration = %self.key, webhooks, "webhook configuration applied");
        }
        Ok(true)
    }
}

/// Versions of one resource type can be compared.
fn version(object: &Value) -> u64 {
    object::text(object, "/metadata/resourceVersion").and_then(|text| text.parse().ok()).unwrap_or(0)
}

impl Registration {
    /// Nothing is written until it runs. `applied` is told what the configurations have API servers trust, once they are written;
    /// nothing where this replica does not write them.
    ///
    /// # Assumptions
    /// It is called on a tokio runtime.
    pub fn new(
        api: Api,
        reach: Reach,
        installation: Installation,
        sources: Sources,
        applied: watch::Sender<Option<Trust>>,
    ) -> Self {
        let mut kinds = KINDS.into_iter();
        let kept = keys(&installation).map(|key| {
            let followed = Followed::new(api.client().clone(), &key, kinds.next().unwrap_or_default());
            Configuration { key, followed, applied: None }
        });
        Self { api, reach, installation, sources, kept, applied, left_out: BTreeSet::new() }
    }

    /// Keeps them, for ever. May be cut off anywhere: the next one starts from what the cluster says.
    pub async fn run(mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let failed = match self.keep().await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    false
                }
                Err(error) => {
                    warn!(%error, detail = error.detail(), "webhook configurations are not as they should be");
                    true
                }
            };
            let [mutating, validating] = &mut self.kept;
            tokio::select! {
                () = changed(&mut self.sources.serving) => {}
                () = changed(&mut self.sources.trust) => {}
                () = changed(&mut self.sources.leads) => {}
                () = mutating.followed.changed() => {}
                () = validating.followed.changed() => {}
                () = tokio::time::sleep(pause), if failed => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    /// Makes both as they are wanted now, where this replica leads.
    async fn keep(&mut self) -> Result<(), ApiError> {
        let leads = *self.sources.leads.borrow_and_update();
        let trust = self.sources.trust.borrow_and_update().clone();
        let serving = self.sources.serving.borrow_and_update().clone();
        let Some(trust) = trust.filter(|_| leads) else {
            self.applied.send_if_modified(|applied| applied.take().is_some());
            return Ok(());
        };
        let pipelines = serving.pipelines().map(|pipeline| Reviewed::from(&**pipeline));
        let Configurations { mutating, validating, left_out } =
            configurations(pipelines, &self.reach, &trust, &self.installation);
        self.tell(left_out);
        // First who judges, then who fills in: nothing is filled in that nobody judges afterwards.
        let [keep_mutating, keep_validating] = &mut self.kept;
        let outcomes = [
            keep_validating.keep(&self.api, validating.as_ref()).await,
            keep_mutating.keep(&self.api, mutating.as_ref()).await,
        ];
        let mut are_kept = true;
        for outcome in outcomes {
            are_kept &= outcome?;
        }
        if are_kept {
            self.applied.send_if_modified(|applied| {
                let is_new = applied.as_ref() != Some(&trust);
                *applied = Some(trust);
                is_new
            });
        }
        Ok(())
    }

    /// Says once of each pipeline that is left out why it is.
    fn tell(&mut self, left_out: Vec<(String, String)>) {
        let left_out: BTreeSet<_> = left_out.into_iter().collect();
        for (pipeline, reason) in left_out.difference(&self.left_out) {
            warn!(pipeline, reason, "the API server is not asked to have its objects reviewed");
        }
        self.left_out = left_out;
    }
}

/// Removes both configurations; those that are not there are as good as removed. An operator that leads puts them back, so
/// it is ended first.
///
/// # Errors
/// Where the API server does not remove one; the other is tried all the same.
pub async fn withdraw(api: &Api, installation: &str) -> Result<(), ApiError> {
    let installation =
        Installation { name: installation.to_owned(), namespace: String::new(), watched: None, owner: None };
    let [mutating, validating] = keys(&installation);
    let outcomes = [api.delete(&mutating, None).await, api.delete(&validating, None).await];
    outcomes.into_iter().collect()
}
