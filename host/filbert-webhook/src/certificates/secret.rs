//! Certificates that the host makes, in a Secret that all replicas share.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use filbert_kube::{Api, Followed, Seen};
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_runtime::clock::SharedClock;
use serde_json::{Value, json};
use tokio::sync::watch;
use tracing::{debug, info};

use super::{CertificatesError, Showing, Since, Trust};
use crate::certificate::Pair;
use crate::changes::changed;
use crate::rotation::{self, Kept, Moment, SETTLING};

/// What there is to know about the Secret.
#[derive(Debug, Clone)]
pub struct SecretOptions {
    /// Its namespace: that of the operator.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The names by which API servers call.
    pub names: Vec<String>,
    /// How long a certificate is good.
    pub life: Duration,
    /// What it goes with when that is removed, as an owner reference.
    pub owner: Option<Value>,
}

/// What this replica knows of the others.
#[derive(Debug, Clone)]
pub struct Position {
    /// Whether it leads.
    pub leads: watch::Receiver<bool>,
    /// What the webhook configurations have API servers trust; only the leader knows.
    pub applied: watch::Receiver<Option<Trust>>,
}

/// Certificates in a Secret that all replicas follow. Each writes only on top of what it has seen: who is later sees what was
/// written meanwhile.
pub struct Shared {
    api: Api,
    clock: SharedClock,
    key: ObjectKey,
    options: SecretOptions,
    position: Position,
    secret: Followed,
    shown: Option<Kept>,
    settled: Since,
    showing: Showing,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Shared {
    /// Nothing is made before the first look.
    ///
    /// # Assumptions
    /// It is called on a tokio runtime.
    pub fn new(api: Api, clock: SharedClock, options: SecretOptions, position: Position) -> Self {
        let secrets = ResourceType::new("", "v1", "secrets");
        let key = ObjectKey::namespaced(secrets, options.namespace.clone(), options.name.clone());
        let secret = Followed::new(api.client().clone(), &key, "Secret");
        let (shown, settled, showing) = Default::default();
        Self { api, clock, key, options, position, secret, shown, settled, showing }
    }

    /// What is shown.
    pub fn showing(&self) -> &Showing {
        &self.showing
    }

    /// Ends when there is something to look at, apart from the time.
    pub(super) async fn changed(&mut self) {
        let Position { leads, applied } = &mut self.position;
        tokio::select! {
            () = self.secret.changed() => {}
            () = changed(leads) => {}
            () = changed(applied) => {}
        }
    }

    /// Shows what the Secret holds, and changes it where that is due.
    pub(super) async fn look(&mut self) -> Result<(), CertificatesError> {
        let leads = *self.position.leads.borrow_and_update();
        let applied = self.position.applied.borrow_and_update().clone();
        let trusted = self.settled.settled(applied, &self.clock, SETTLING);
        let stored = match self.secret.seen() {
            Seen::Unknown => return Ok(()),
            Seen::Absent => None,
            Seen::There(secret) => Some(secret),
        };
        let kept = stored.as_deref().and_then(Kept::of_secret);
        let moment = Moment {
            now: self.clock.now(),
            life: self.options.life,
            names: &self.options.names,
            leads,
            trusted: trusted.as_deref(),
        };
        // Shown before it is changed: what is stored is what the other replicas show.
        let good = kept.as_ref().filter(|kept| moment.takes(&kept.current, &kept.trust));
        if let Some(kept) = good
            && self.shown.as_ref() != Some(kept)
        {
            self.showing.show(&kept.current, &kept.trust)?;
            self.shown = Some(kept.clone());
        }
        // A Secret in which nothing can be read is one that was spoilt.
        let spoilt = Kept { current: Pair::nothing(), next: None, trust: String::new() };
        let known = kept.as_ref().or(stored.is_some().then_some(&spoilt));
        let change = moment
            .change(known, self.shown.as_ref())
            .map_err(|source| CertificatesError::Make { names: self.options.names.join(", "), source })?;
        let Some(rotation::Change { kept, why }) = change else { return Ok(()) };
        if !self.write(&kept, stored).await? {
            // Somebody else was faster; what they wrote is on its way.
            return Ok(());
        }
        info!(secret = %self.key, why, "certificates changed");
        self.showing.show(&kept.current, &kept.trust)?;
        self.shown = Some(kept);
        Ok(())
    }

    /// Says whether nobody else was faster.
    async fn write(&self, kept: &Kept, stored: Option<Arc<Value>>) -> Result<bool, CertificatesError> {
        let SecretOptions { namespace, name, owner, .. } = &self.options;
        let mut metadata = json!({
            "name": name, "namespace": namespace, "labels": {"app.kubernetes.io/managed-by": "filbert"},
        });
        if let (Some(metadata), Some(owner)) = (metadata.as_object_mut(), owner) {
            metadata.insert("ownerReferences".to_owned(), json!([owner]));
        }
        let secret = rotation::secret(kept, stored.as_deref(), &metadata);
        let written = match stored {
            Some(_) => self.api.replace(&self.key, &secret).await,
            None => self.api.create(&self.key.resource, Some(namespace), &secret).await,
        };
        match written {
            Ok(_) => Ok(true),
            Err(error) if error.is_conflict() || error.is_not_found() => {
                debug!(secret = %self.key, error = error.detail(), "another replica was faster");
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}
