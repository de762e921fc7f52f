//! How the API server asks about the objects of a pipeline: part of its specification, and what follows from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::definition::GROUP;
use crate::object::ResourceType;
use crate::review::Operation;

/// Label that every namespace carries with its own name.
pub const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";
/// How long API servers wait for an answer where nobody says otherwise, in seconds. No rule takes longer than one; the
/// rest is for a busy machine.
pub const DEFAULT_TIMEOUT: u8 = 5;
/// Asked about where nobody says otherwise. Who wants to be asked before something goes says so: a rule that is away would
/// otherwise keep namespaces from being emptied.
pub const DEFAULT_OPERATIONS: [Operation; 2] = [Operation::Create, Operation::Update];

/// How the API server asks about the objects of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Admission {
    /// What becomes of a request that nobody could judge. Absent: see [`Admission::failure_policy`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_policy: Option<FailurePolicy>,
    /// What is asked about; empty: [`DEFAULT_OPERATIONS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Operation>,
    /// Sub-resources that are asked about too: `status`, `scale`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sub_resources: Vec<String>,
    /// Only objects in namespaces with these labels. That of the operator is never among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// Only objects with these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_selector: Option<LabelSelector>,
    /// Only requests for which all of these hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_conditions: Vec<MatchCondition>,
    /// How long the API server waits for an answer; absent: [`DEFAULT_TIMEOUT`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u8>,
}

/// What becomes of a request that nobody could judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailurePolicy {
    /// It is refused.
    Fail,
    /// It is carried out.
    Ignore,
}

impl FailurePolicy {
    /// As Kubernetes writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fail => "Fail",
            Self::Ignore => "Ignore",
        }
    }
}

/// A condition on a request, in the Common Expression Language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MatchCondition {
    /// Told where it fails.
    pub name: String,
    /// `request.userInfo.username != "kube-scheduler"`.
    pub expression: String,
}

/// Labels, as Kubernetes selects by them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelSelector {
    /// Labels that are there with these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// What else holds of labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<LabelExpression>,
}

/// What holds of one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LabelExpression {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: SelectorOperator,
    /// With what; empty for `Exists` and `DoesNotExist`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SelectorOperator {
    /// It has one of the values.
    In,
    /// It has none of the values, or is not there.
    NotIn,
    /// It is there.
    Exists,
    /// It is not there.
    DoesNotExist,
}

impl LabelSelector {
    /// Whether something with these labels is selected.
    pub fn selects(&self, labels: &BTreeMap<String, String>) -> bool {
        let is_one_of = |expression: &LabelExpression| {
            labels.get(&expression.key).is_some_and(|value| expression.values.contains(value))
        };
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.match_expressions.iter().all(|expression| match expression.operator {
                SelectorOperator::In => is_one_of(expression),
                SelectorOperator::NotIn => !is_one_of(expression),
                SelectorOperator::Exists => labels.contains_key(&expression.key),
                SelectorOperator::DoesNotExist => !labels.contains_key(&expression.key),
            })
    }
}

impl Admission {
    /// What becomes of a request that nobody could judge. Where the pipeline does not say: custom resources are refused,
    /// kinds that Kubernetes brings along are let through, because a cluster may need them to bring the operator back.
    pub fn failure_policy(&self, resource: &ResourceType) -> FailurePolicy {
        let default = if is_built_in(resource) { FailurePolicy::Ignore } else { FailurePolicy::Fail };
        self.failure_policy.unwrap_or(default)
    }

    /// What is asked about.
    pub fn operations(&self) -> &[Operation] {
        if self.operations.is_empty() { &DEFAULT_OPERATIONS } else { &self.operations }
    }

    /// Seconds that the API server waits, as far as it takes the number.
    pub fn timeout_seconds(&self) -> u8 {
        self.timeout_seconds.unwrap_or(DEFAULT_TIMEOUT).clamp(1, 30)
    }

    /// What an administrator should know of this combination. Nothing of it keeps the pipeline from being used.
    pub fn warnings(&self, resource: &ResourceType) -> Vec<String> {
        if let Some(reason) = never_asked(resource) {
            return vec![format!("the API server is not asked to have {resource} reviewed: {reason}")];
        }
        let mut warnings = Vec::new();
        if self.failure_policy(resource) == FailurePolicy::Fail && is_built_in(resource) && self.reaches_control_plane()
        {
            warnings.push(format!(
                "`failurePolicy: Fail` for {resource} can lock the cluster out: while no operator answers, nobody can change any of them, not even to bring the operator back; leave `kube-system` out with a `namespaceSelector`, or take `Ignore`"
            ));
        }
        if self.timeout_seconds.is_some_and(|seconds| seconds != self.timeout_seconds()) {
            warnings
                .push(format!("`timeoutSeconds` is taken as {}; the API server takes 1 to 30", self.timeout_seconds()));
        }
        warnings
    }

    /// Whether the namespace of the control plane is among those that are asked about.
    fn reaches_control_plane(&self) -> bool {
        let labels = BTreeMap::from([(NAMESPACE_NAME.to_owned(), "kube-system".to_owned())]);
        self.namespace_selector.as_ref().is_none_or(|selector| selector.selects(&labels))
    }
}

/// Whether the kind comes with Kubernetes: such groups have no dot in their name, or end as no other may.
pub fn is_built_in(resource: &ResourceType) -> bool {
    !resource.group.contains('.') || resource.group.ends_with(".k8s.io")
}

/// Why a resource type is in no webhook configuration whatever a pipeline says.
pub fn never_asked(resource: &ResourceType) -> Option<&'static str> {
    match resource.group.as_str() {
        GROUP => Some("they say what the operator does, and must be there before it can review anything"),
        "admissionregistration.k8s.io" => Some("Kubernetes asks no webhook about webhooks"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn admission(value: serde_json::Value) -> Admission {
        serde_json::from_value(value).expect("an admission")
    }

    fn resource(group: &str, plural: &str) -> ResourceType {
        ResourceType::new(group, "v1", plural)
    }

    #[test]
    fn kinds_of_kubernetes_are_let_through_where_nobody_says_otherwise() {
        let silent = Admission::default();
        for group in ["", "apps", "batch", "networking.k8s.io"] {
            assert_eq!(silent.failure_policy(&resource(group, "kites")), FailurePolicy::Ignore, "{group}");
        }
        assert_eq!(silent.failure_policy(&resource("example.dev", "kites")), FailurePolicy::Fail);
        let said = admission(json!({"failurePolicy": "Fail"}));
        assert_eq!(said.failure_policy(&resource("", "pods")), FailurePolicy::Fail);
    }

    #[test]
    fn a_policy_that_could_lock_the_cluster_out_is_warned_of() {
        let pods = resource("", "pods");
        let warned = |value: serde_json::Value, resource: &ResourceType| admission(value).warnings(resource).len();
        assert_eq!(warned(json!({"failurePolicy": "Fail"}), &pods), 1);
        assert_eq!(warned(json!({"failurePolicy": "Ignore"}), &pods), 0);
        assert_eq!(warned(json!({}), &pods), 0);
        assert_eq!(warned(json!({"failurePolicy": "Fail"}), &resource("example.dev", "kites")), 0);
        let not_in = json!({"key": NAMESPACE_NAME, "operator": "NotIn", "values": ["kube-system"]});
        let without = json!({"failurePolicy": "Fail", "namespaceSelector": {"matchExpressions": [not_in]}});
        assert_eq!(warned(without, &pods), 0);
        let labelled = json!({"failurePolicy": "Fail", "namespaceSelector": {"matchLabels": {"team": "kites"}}});
        assert_eq!(warned(labelled, &pods), 0);
        let text = admission(json!({"failurePolicy": "Fail"})).warnings(&pods).remove(0);
        assert!(text.starts_with("`failurePolicy: Fail` for pods/v1 can lock the cluster out"), "{text}");
    }

    #[test]
    fn what_is_never_asked_about_says_why() {
        for group in ["filbert.dev", "admissionregistration.k8s.io"] {
            let warnings = Admission::default().warnings(&resource(group, "things"));
            assert!(warnings[0].starts_with("the API server is not asked to have things."), "{warnings:?}");
        }
    }

    #[test]
    fn selectors_select_as_kubernetes_does() {
        let labels = BTreeMap::from([("app".to_owned(), "blue".to_owned())]);
        let cases = [
            (json!({}), true),
            (json!({"matchLabels": {"app": "blue"}}), true),
            (json!({"matchLabels": {"app": "red"}}), false),
            (json!({"matchExpressions": [{"key": "app", "operator": "In", "values": ["red", "blue"]}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["blue"]}]}), false),
            (json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["blue"]}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]}), true),
            (json!({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}), false),
        ];
        for (selector, selected) in cases {
            let read: LabelSelector = serde_json::from_value(selector.clone()).expect("a selector");
            assert_eq!(read.selects(&labels), selected, "{selector}");
        }
    }

    #[test]
    fn timeouts_are_those_that_api_servers_take() {
        let seconds = |value| admission(json!({"timeoutSeconds": value})).timeout_seconds();
        assert_eq!((seconds(0), seconds(9), seconds(99)), (1, 9, 30));
        assert_eq!(Admission::default().timeout_seconds(), DEFAULT_TIMEOUT);
    }
}
