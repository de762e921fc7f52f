//! Which requests an API server asks about, and where: webhook configurations, derived from the pipelines in service.

use std::borrow::Cow;

use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_plan::pipeline::{Admission, NAMESPACE_NAME, never_asked};
use filbert_plan::review::Operation;
use filbert_runtime::library::ServingPipeline;
use serde_json::{Value, json};

use crate::judge::Webhook;
use crate::review;
use crate::router::path;

/// What goes is judged no more. An object that has become invalid could otherwise never lose its finalizers.
const NOT_BEING_DELETED: &str = "object == null || !has(object.metadata) || !has(object.metadata.deletionTimestamp)";

/// Where API servers find the webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Through a Service: the usual way, where the operator runs in the cluster.
    Service {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its port.
        port: u16,
    },
    /// At an address, where the operator runs elsewhere: `https://operator.example.dev:8443`.
    Url(HttpsUrl),
}

impl Reach {
    /// The names for which the certificate must be good.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Service { namespace, name, port: _ } => {
                let in_namespace = format!("{name}.{namespace}");
                vec![format!("{in_namespace}.svc"), format!("{in_namespace}.svc.cluster.local"), in_namespace]
            }
            Self::Url(url) => vec![url.host.clone()],
        }
    }

    fn client_config(&self, path: &str, trust: &str) -> Value {
        let mut config = match self {
            Self::Service { namespace, name, port } => {
                json!({"service": {"namespace": namespace, "name": name, "port": port, "path": path}})
            }
            Self::Url(url) => json!({"url": format!("{}{path}", url.base)}),
        };
        if let Some(config) = config.as_object_mut()
            && !trust.is_empty()
        {
            config.insert("caBundle".to_owned(), STANDARD.encode(trust).into());
        }
        config
    }
}

/// The beginning of an address that API servers take for a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsUrl {
    base: String,
    host: String,
}

/// An address at which API servers would not look for a webhook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no address for webhooks; `https://operator.example.dev:8443` is one")]
pub struct NoHttpsUrl(String);

impl std::str::FromStr for HttpsUrl {
    type Err = NoHttpsUrl;

    fn from_str(text: &str) -> Result<Self, NoHttpsUrl> {
        let wrong = || NoHttpsUrl(text.to_owned());
        let url: Uri = text.parse().map_err(|_| wrong())?;
        let is_whole = url.scheme_str() == Some("https") && url.query().is_none() && !text.contains('@');
        // An address of IPv6 stands in brackets, which no certificate has.
        let host = url.host().filter(|_| is_whole).ok_or_else(wrong)?.trim_matches(['[', ']']);
        Ok(Self { base: text.trim_end_matches('/').to_owned(), host: host.to_owned() })
    }
}

/// What is the same for all webhooks of one operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// Name of both configurations. They belong to the cluster, so each operator has a name of its own.
    pub name: String,
    /// Where the operator runs. What is in there is never asked about: the operator must come back without its own help.
    pub namespace: String,
    /// Namespaces whose objects it reconciles; absent for all. Others are not asked about.
    pub watched: Option<Vec<String>>,
    /// What the configurations go with when it is removed, as an owner reference: something of the cluster that came with the
    /// deployment.
    pub owner: Option<Value>,
}

/// Both configurations, each where any pipeline needs it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Configurations {
    /// For defaulting.
    pub mutating: Option<Value>,
    /// For validation.
    pub validating: Option<Value>,
    /// Pipelines of which nothing is asked, each with the reason.
    pub left_out: Vec<(String, String)>,
}

/// What a configuration needs to know of a pipeline.
#[derive(Debug, Clone, Copy)]
pub struct Reviewed<'a> {
    /// Its name, by which it is asked.
    pub name: &'a str,
    /// Whose objects it serves.
    pub resource: &'a ResourceType,
    /// Whether it fills in anything.
    pub defaults: bool,
    /// Whether it judges.
    pub validates: bool,
    /// How the API server asks.
    pub admission: &'a Admission,
}

impl<'a> From<&'a ServingPipeline> for Reviewed<'a> {
    fn from(pipeline: &'a ServingPipeline) -> Self {
        Self {
            name: &pipeline.name,
            resource: &pipeline.resource,
            defaults: !pipeline.defaulting.is_empty(),
            validates: !pipeline.validation.is_empty(),
            admission: &pipeline.admission,
        }
    }
}

/// The keys of both configurations: of the mutating one first.
pub fn keys(installation: &Installation) -> [ObjectKey; 2] {
    ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"].map(|plural| {
        let resource = ResourceType::new("admissionregistration.k8s.io", "v1", plural);
        ObjectKey { resource, namespace: None, name: installation.name.clone() }
    })
}

/// The kinds of both, in the order of [`keys`].
pub const KINDS: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// The configurations for these pipelines. `trust` is the PEM of the authorities that sign what the webhooks show; where it
/// is empty, API servers take those that they know.
pub fn configurations<'a>(
    pipelines: impl IntoIterator<Item = Reviewed<'a>>,
    reach: &Reach,
    trust: &str,
    installation: &Installation,
) -> Configurations {
    let mut pipelines: Vec<_> = pipelines.into_iter().collect();
    pipelines.sort_by_key(|pipeline| pipeline.name);
    let (mut defaulting, mut validation, mut left_out) = (Vec::new(), Vec::new(), Vec::new());
    for pipeline in pipelines {
        if !pipeline.defaults && !pipeline.validates {
            continue;
        }
        if let Some(reason) = not_asked(&pipeline) {
            left_out.push((pipeline.name.to_owned(), reason.into_owned()));
            continue;
        }
        let webhook = |kind| webhook(kind, &pipeline, reach, trust, installation);
        defaulting.extend(pipeline.defaults.then(|| webhook(Webhook::Defaulting)).flatten());
        validation.extend(pipeline.validates.then(|| webhook(Webhook::Validation)).flatten());
    }
    let [mutating, validating] = KINDS;
    let configuration = |kind, webhooks: Vec<Value>| {
        (!webhooks.is_empty()).then(|| {
            let mut metadata = json!({
                "name": installation.name,
                "labels": {"app.kubernetes.io/managed-by": "filbert", "filbert.dev/namespace": installation.namespace},
            });
            if let (Some(metadata), Some(owner)) = (metadata.as_object_mut(), &installation.owner) {
                metadata.insert("ownerReferences".to_owned(), json!([owner]));
            }
            json!({
                "apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
                "metadata": metadata, "webhooks": webhooks,
            })
        })
    };
    Configurations {
        mutating: configuration(mutating, defaulting),
        validating: configuration(validating, validation),
        left_out,
    }
}

/// Why the API server is not asked to have anything of this pipeline reviewed.
fn not_asked(pipeline: &Reviewed<'_>) -> Option<Cow<'static, str>> {
    if let Some(reason) = never_asked(pipeline.resource) {
        return Some(reason.into());
    }
    // One webhook that the API server refuses would take all others with it. Longest name: 253, with what is added.
    let is_label = |label: &str| {
        let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        label.len() <= 63
            && label.starts_with(is_inner)
            && label.ends_with(is_inner)
            && label.chars().all(|c| is_inner(c) || c == '-')
    };
    let is_name = pipeline.name.len() <= 220 && pipeline.name.split('.').all(is_label);
    (!is_name).then(|| "its name is none that a Kubernetes object could have".into())
}

/// The webhook of a pipeline; nothing where it asks about nothing that could be asked.
fn webhook(
    kind: Webhook,
    pipeline: &Reviewed<'_>,
    reach: &Reach,
    trust: &str,
    installation: &Installation,
) -> Option<Value> {
    let Reviewed { name, resource, admission, .. } = pipeline;
    let (role, can_change) = match kind {
        Webhook::Defaulting => ("defaulting", true),
        Webhook::Validation => ("validation", false),
    };
    // There is nothing to fill in where nothing is written.
    let is_asked = |operation: &&Operation| !can_change || matches!(operation, Operation::Create | Operation::Update);
    let operations: Vec<_> = admission.operations().iter().filter(is_asked).collect();
    if operations.is_empty() {
        return None;
    }
    let sub_resources = admission.sub_resources.iter().map(|name| format!("{}/{name}", resource.plural));
    let resources: Vec<_> = std::iter::once(resource.plural.clone()).chain(sub_resources).collect();
    let mut conditions = vec![json!({"name": "not-being-deleted", "expression": NOT_BEING_DELETED})];
    conditions.extend(admission.match_conditions.iter().map(|condition| json!(condition)));
    let mut webhook = json!({
        "name": format!("{name}.{role}.filbert.dev"),
        "admissionReviewVersions": [review::VERSION],
        "clientConfig": reach.client_config(&path(kind, name), trust),
        "rules": [{
            "apiGroups": [resource.group], "apiVersions": [resource.version], "resources": resources,
            "operations": operations, "scope": "*",
        }],
        // The API server converts objects of other versions, so that no version is a way around.
        "matchPolicy": "Equivalent",
        "namespaceSelector": namespaces(admission, installation),
        "objectSelector": admission.object_selector.clone().unwrap_or_default(),
        "matchConditions": conditions,
        "sideEffects": "None",
        "timeoutSeconds": admission.timeout_seconds(),
        "failurePolicy": admission.failure_policy(resource).word(),
    });
    if let Some(webhook) = webhook.as_object_mut().filter(|_| can_change) {
        // Defaulting fills in what is not there, so it may be asked again about what others filled in.
        webhook.insert("reinvocationPolicy".to_owned(), "IfNeeded".into());
    }
    Some(webhook)
}

/// What the pipeline says of namespaces, and never that of the operator.
fn namespaces(admission: &Admission, installation: &Installation) -> Value {
    let mut selector = json!(admission.namespace_selector.clone().unwrap_or_default());
    let named = |operator, values: &[String]| json!({"key": NAMESPACE_NAME, "operator": operator, "values": values});
    let mut further = vec![named("NotIn", std::slice::from_ref(&installation.namespace))];
    further.extend(installation.watched.as_deref().map(|watched| named("In", watched)));
    if let Some(selector) = selector.as_object_mut() {
        let expressions = selector.entry("matchExpressions").or_insert_with(|| json!([]));
        if let Some(expressions) = expressions.as_array_mut() {
            expressions.append(&mut further);
        }
    }
    selector
}

#[cfg(test)]
mod tests;
