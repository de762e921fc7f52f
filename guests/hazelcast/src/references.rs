//! Rules that need to look at other objects: whether what a specification names is there. They are a step, so that the step
//! runs again when it appears, and comes first, so that nothing is made of a specification that cannot be carried out.
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
use serde::de::IgnoredAny;
use serde_json::json;

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

    /// Looks for everything, and says what is missing.
    fn resolve<R: Resource>(self, cx: &Context<R>) -> Result<Plan, ReadError> {
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
        Ok(conclude(&needed, &wanted))
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
