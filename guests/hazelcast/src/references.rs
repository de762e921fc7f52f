//! Rules that need to look at more than the specification: whether what it names is there, and whether it is still the one
//! that was accepted before in all that cannot change. They are a step, so that the step runs again when something appears,
//! and comes first, so that nothing is made of a specification that cannot be carried out.
//!
//! Where going on would do something else than what is asked for (a cluster without its backup, without its own
//! configuration, without its users), the step waits. What pods wait for by themselves, such as a licence or certificates, is
//! said in a condition, and all else goes on: what runs does not suffer from it.

mod cluster;
mod management_center;

pub use cluster::ClusterReferences;
pub use management_center::ManagementCenterReferences;

use filbert_guest::k8s::{ConfigMap, Secret, ServiceAccount};
use filbert_guest::{Condition, Context, ObjectKey, Plan, ReadError, Resource, ResourceType, Status, Violation};
use hazelcast_api::hazelcast::ModuleDeployment;
use hazelcast_api::shapes::{Bucket, BucketSource, LocalReference};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use crate::names::AGENT_CERTIFICATE;

/// Classes of volumes.
pub const STORAGE_CLASSES: ResourceType = ResourceType::new("storage.k8s.io", "v1", "storageclasses");
/// Claims of volumes.
pub const CLAIMS: ResourceType = ResourceType::new("", "v1", "persistentvolumeclaims");
/// Backups.
pub const HOT_BACKUPS: ResourceType = ResourceType::new(hazelcast_api::GROUP, hazelcast_api::VERSION, "hotbackups");
/// Routes of OpenShift.
pub const ROUTES: ResourceType = ResourceType::new("route.openshift.io", "v1", "routes");

/// The condition that says that something which the specification names is missing. Absent while all is there.
const CONDITION: &str = "ReferencesResolved";
/// Its reason, and that of the waiting.
const MISSING: &str = "ReferencesMissing";
/// The condition that says that something changed which cannot. Absent while nothing did.
const CHANGES: &str = "ChangesAccepted";
/// Its reason, and that of the waiting.
const UNCHANGEABLE: &str = "FieldsCannotChange";

/// An object that a specification names.
struct Reference {
    path: String,
    key: ObjectKey,
    /// Whether it is waited for; else it is only said that it is missing.
    needed: bool,
    /// What is said where it is missing.
    message: &'static str,
    /// Whether existing operators say that a value is required, instead of that it names nothing.
    required: bool,
}

/// What a specification names, gathered before anything is looked for.
struct Names<'a> {
    namespace: &'a str,
    references: Vec<Reference>,
    /// What is wrong for another reason.
    wrong: Vec<Violation>,
}

impl<'a> Names<'a> {
    fn new(namespace: &'a str) -> Self {
        Self { namespace, references: Vec::new(), wrong: Vec::new() }
    }

    fn name(&mut self, path: String, name: Option<&str>, resource: ResourceType, needed: bool, message: &'static str) {
        let Some(name) = name.filter(|name| !name.is_empty()) else { return };
        let key = resource.named(self.namespace, name);
        self.references.push(Reference { path, key, needed, message, required: false });
    }

    /// A Secret without which nothing goes on.
    fn needs_secret(&mut self, path: impl Into<String>, name: Option<&str>) {
        self.name(path.into(), name, Secret::TYPE, true, "no Secret of this namespace has this name");
    }

    /// As [`Names::wants_secret`], where existing operators call the field required.
    fn requires_secret(&mut self, path: String, name: Option<&str>) {
        let before = self.references.len();
        self.wants_secret(path, name);
        self.references.iter_mut().skip(before).for_each(|reference| reference.required = true);
    }

    /// A `ConfigMap` without which nothing goes on.
    fn needs_config_map(&mut self, path: String, name: Option<&str>) {
        self.name(path, name, ConfigMap::TYPE, true, "no ConfigMap of this namespace has this name");
    }

    /// A Secret for which pods wait.
    fn wants_secret(&mut self, path: impl Into<String>, name: Option<&str>) {
        self.name(path.into(), name, Secret::TYPE, false, "no Secret of this namespace has this name");
    }

    /// A `ConfigMap` for which pods wait.
    fn wants_config_map(&mut self, path: String, name: Option<&str>) {
        self.name(path, name, ConfigMap::TYPE, false, "no ConfigMap of this namespace has this name");
    }

    fn wants_config_maps(&mut self, path: &str, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            self.wants_config_map(format!("{path}[{index}]"), Some(name));
        }
    }

    /// The certificate without which the helper beside each member does not start.
    fn wants_certificate_of_agents(&mut self) {
        let message =
            "the certificate of agents (ca.crt, tls.crt, tls.key), which has to be made by others; pods wait for it";
        self.name("spec.agent".to_owned(), Some(AGENT_CERTIFICATE), Secret::TYPE, false, message);
    }

    fn wants_account(&mut self, name: Option<&str>) {
        let message = "no ServiceAccount of this namespace has this name";
        self.name("spec.serviceAccountName".to_owned(), name, ServiceAccount::TYPE, false, message);
    }

    fn wants_claim(&mut self, path: &str, name: Option<&str>) {
        self.name(path.to_owned(), name, CLAIMS, false, "no PersistentVolumeClaim of this namespace has this name");
    }

    /// A class need not be there for volumes that somebody makes by hand.
    fn wants_class(&mut self, path: String, name: Option<&str>) {
        let Some(name) = name.filter(|name| !name.is_empty()) else { return };
        let key = STORAGE_CLASSES.cluster_scoped(name);
        let message = "no StorageClass has this name: volumes must be made by hand";
        self.references.push(Reference { path, key, needed: false, message, required: false });
    }

    /// Buckets: one as it used to be written, and several.
    fn wants_buckets(&mut self, path: &str, single: Option<&Bucket>, several: &[BucketSource]) {
        self.wants_secret(format!("{path}.bucketConfig.secretName"), single.and_then(Bucket::secret));
        for (index, bucket) in several.iter().enumerate() {
            self.wants_secret(format!("{path}.bucketConfigs[{index}].secretName"), bucket.secret_name.as_deref());
        }
    }

    fn wants_modules(&mut self, modules: Option<&ModuleDeployment>) {
        let Some(modules) = modules else { return };
        self.wants_buckets("spec.moduleDeployment", modules.bucket_config.as_ref(), &modules.bucket_configs);
        self.wants_config_maps("spec.moduleDeployment.configMaps", &modules.config_maps);
    }

    fn wants_pull_secrets(&mut self, secrets: &[LocalReference]) {
        for (index, secret) in secrets.iter().enumerate() {
            self.wants_secret(format!("spec.imagePullSecrets[{index}].name"), secret.name.as_deref());
        }
    }

    /// Looks for everything, says what is missing, and notes a specification down with which steps go on.
    fn resolve<R: Resource>(self, cx: &Context<R>, accepted: &str) -> Result<Plan, ReadError> {
        let Self { references, wrong: mut needed, .. } = self;
        let mut wanted = Vec::new();
        for reference in references {
            if is_there(cx, reference.key.clone())? {
                continue;
            }
            let Reference { path, key, needed: is_needed, message, required } = reference;
            let violation = if required {
                Violation::required(path, format!("{}: {message}", key.name))
            } else {
                Violation::not_found(path, key.name, message)
            };
            if is_needed { needed.push(violation) } else { wanted.push(violation) }
        }
        let plan = conclude(&needed, &wanted);
        let plan = if needed.is_empty() { plan.status(json!({"acceptedSpec": accepted})) } else { plan };
        let resolved = needed.is_empty() && wanted.is_empty();
        let plan = if resolved { no_longer(cx, plan, CONDITION) } else { plan };
        Ok(no_longer(cx, plan, CHANGES))
    }
}

/// Whether an object is there. Where nobody may look, or the type is not served, nothing is held against it.
fn is_there<R: Resource>(cx: &Context<R>, key: ObjectKey) -> Result<bool, ReadError> {
    // Nothing but the name: what is in a Secret is nobody's business here.
    match cx.read_key(key).fields(&[]).get::<IgnoredAny>() {
        Ok(found) => Ok(found.is_some()),
        Err(ReadError::Denied(_) | ReadError::Invalid(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

/// Takes back what an earlier pass said: as long as members start, what nobody says any more would stay.
fn no_longer<R: Resource>(cx: &Context<R>, plan: Plan, type_: &str) -> Plan {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Past {
        conditions: Vec<Said>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Said {
        #[serde(rename = "type")]
        type_: String,
        status: String,
    }
    let past: Past = cx.status().unwrap_or_default();
    let was_said = past.conditions.iter().any(|said| said.type_ == type_ && said.status == "False");
    if was_said { plan.condition(Condition::new(type_, Status::True, "NothingWrong", "")) } else { plan }
}

/// What is said of a change that cannot be carried out: nothing is done for it, so that what runs stays as it is.
fn refuse(violations: &[Violation]) -> Plan {
    let message = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    Plan::default()
        .condition(Condition::new(CHANGES, Status::False, UNCHANGEABLE, message.clone()))
        .status(json!({"phase": "Failed", "message": message}))
        .warn(UNCHANGEABLE, message.clone())
        .wait(UNCHANGEABLE, message)
}

/// What is said of what is missing.
fn conclude(needed: &[Violation], wanted: &[Violation]) -> Plan {
    let text = |violations: &mut dyn Iterator<Item = &Violation>| {
        let mut texts: Vec<_> = violations.map(ToString::to_string).collect();
        texts.dedup();
        texts.join("; ")
    };
    if needed.is_empty() && wanted.is_empty() {
        return Plan::default();
    }
    let all = text(&mut needed.iter().chain(wanted));
    let plan = Plan::default().condition(Condition::new(CONDITION, Status::False, MISSING, all));
    if needed.is_empty() {
        return plan;
    }
    let message = text(&mut needed.iter());
    // As existing operators have it; the step that says how members are does not come to it.
    plan.status(json!({"phase": "Failed", "message": message})).warn(MISSING, message.clone()).wait(MISSING, message)
}

/// That a step finds nothing to say, and lets the others go on.
#[cfg(test)]
#[track_caller]
fn says_nothing(plan: &Plan) {
    assert_eq!((plan.conditions(), plan.waits_for()), (Vec::new(), None));
    let status = plan.status_fragment().unwrap_or_default();
    let fields: Vec<_> = status.as_object().into_iter().flat_map(|fields| fields.keys()).collect();
    assert_eq!(fields, ["acceptedSpec"]);
}
