//! What the pods of members and of a Management Center have in common.

use filbert_guest::k8s::{
    Capabilities, EnvVar, Given, HttpGetAction, LocalObjectReference, Map, PodSecurityContext, PodSpec, Probe,
    SecurityContext, StatefulSet, Volume, VolumeMount,
};
use filbert_guest::{Context, ReadError, Resource, ResourceType};
use hazelcast_api::shapes::{LocalReference, Scheduling};
use serde::Deserialize;
use serde_json::Value;

use crate::checksum::fnv1a;
use crate::names;

/// The user of the images.
const USER: i64 = 65534;

/// Files of Secrets and `ConfigMap`s: readable by all, writable by the owner.
pub const FILE_MODE: i64 = 0o644;

/// Whether the cluster chooses the users of pods itself, so that naming one would be refused.
pub fn chooses_users<R: Resource>(cx: &Context<R>) -> bool {
    cx.serves(ResourceType::new("route.openshift.io", "v1", "routes"))
}

/// As whom the processes of a pod run.
pub fn security(cluster_chooses_users: bool) -> PodSecurityContext {
    let context = PodSecurityContext::new().run_as_non_root(true);
    if cluster_chooses_users { context } else { context.run_as_user(USER).fs_group(USER) }
}

/// As whom the processes of a container run: with no rights beyond those of their user, on files that they cannot change.
pub fn container_security() -> SecurityContext {
    SecurityContext::new()
        .run_as_non_root(true)
        .privileged(false)
        .read_only_root_filesystem(true)
        .allow_privilege_escalation(false)
        .capabilities(Capabilities::new().drop(vec!["ALL".to_owned()]))
}

/// Labels and annotations of pods.
pub struct Marks {
    /// Labels.
    pub labels: Map,
    /// Annotations, without those that say what pods are to start again for.
    pub annotations: Map,
}

/// Those that pods of the set of this name are made with: as people want them when it is made, and what is there from then
/// on, since another label is no reason to start every member again. Those that select pods are always there.
///
/// # Errors
/// [`ReadError`] where nobody can tell what is there.
pub fn marks<R: Resource>(
    cx: &Context<R>,
    set: &str,
    labels: Map,
    selecting: &Map,
    annotations: &Map,
) -> Result<Marks, ReadError> {
    #[derive(Deserialize)]
    struct Live {
        #[serde(default)]
        spec: LiveSpec,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct LiveSpec {
        template: Template,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Template {
        metadata: filbert_guest::Metadata,
    }
    // Written by others: `kubectl rollout restart` must find nobody in its way.
    const OTHERS: &str = "kubectl.kubernetes.io/";
    const OURS: [&str; 5] = [
        names::ANNOTATION_CHECKSUM,
        names::ANNOTATION_CODE,
        names::ANNOTATION_CONFIGURATION,
        names::ANNOTATION_MEMBER_ACCESS,
        names::ANNOTATION_MODULES,
    ];
    let read = cx.read(StatefulSet::TYPE, set).fields(&["spec.template.metadata"]);
    let Some(Live { spec }) = read.get()? else { return Ok(Marks { labels, annotations: annotations.clone() }) };
    let filbert_guest::Metadata { mut labels, mut annotations, .. } = spec.template.metadata;
    labels.extend(selecting.clone());
    annotations.retain(|key, _| !OURS.contains(&key.as_str()) && !key.starts_with(OTHERS));
    Ok(Marks { labels, annotations })
}

/// How often a container is asked, and when it counts as broken.
pub fn probe() -> Probe {
    Probe::new().timeout_seconds(10).period_seconds(10).success_threshold(1).failure_threshold(10)
}

/// A question by HTTP.
pub fn http_get(path: &str, port: i64) -> HttpGetAction {
    HttpGetAction::new().path(path).port(port).scheme("HTTP")
}

/// A name for a volume: as it is where Kubernetes takes it, else cut, in small letters, and with a checksum of the whole.
pub fn volume_name(name: &str) -> String {
    const LONGEST: usize = 63;
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let ends_well = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if name.len() <= LONGEST && name.chars().all(is_plain) && ends_well(name.chars().last()) {
        return name.to_owned();
    }
    let small = name.to_ascii_lowercase();
    let kept = small.chars().map(|c| if is_plain(c) { c } else { '-' }).take(LONGEST - 11);
    format!("{}-{}", kept.collect::<String>(), fnv1a(name.as_bytes()))
}

/// A volume and where it is mounted.
pub fn mount(name: &str, volume: Volume, path: &str) -> (Volume, VolumeMount) {
    (volume.name(name), VolumeMount::at(name, path))
}

/// Secrets for pulling images, each once.
pub fn pull_secrets(references: &[LocalReference]) -> Vec<LocalObjectReference> {
    let mut names: Vec<&str> = Vec::new();
    for name in references.iter().filter_map(|reference| reference.name.as_deref()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().map(|name| LocalObjectReference::new().name(name)).collect()
}

/// Variables of a container: ours, then those of people. Of those with one name the last one counts, as in a container; a
/// list in which a name stands twice cannot be applied.
pub fn variables(own: Vec<EnvVar>, theirs: &[Value]) -> Vec<Given<EnvVar>> {
    let named = |variable: EnvVar| (variable.called().unwrap_or_default().to_owned(), Given::from(variable));
    let mut all: Vec<(String, Given<EnvVar>)> = own.into_iter().map(named).collect();
    for variable in theirs {
        let name = variable.get("name").and_then(Value::as_str).unwrap_or_default();
        match all.iter_mut().find(|(other, _)| other == name) {
            Some((_, before)) => *before = variable.clone().into(),
            None => all.push((name.to_owned(), variable.clone().into())),
        }
    }
    all.into_iter().map(|(_, variable)| variable).collect()
}

/// Constraints on how pods spread: those of people, then further ones about which they say nothing. Kubernetes takes one for
/// each kind of place and what is done where it cannot be kept; of several the last one counts.
fn constraints(theirs: Vec<Value>, further: Vec<Value>) -> Vec<Value> {
    let same = |one: &Value, other: &Value| {
        ["topologyKey", "whenUnsatisfiable"].iter().all(|field| one.get(field) == other.get(field))
    };
    let mut all: Vec<Value> = Vec::new();
    for constraint in theirs {
        match all.iter_mut().find(|before| same(before, &constraint)) {
            Some(before) => *before = constraint,
            None => all.push(constraint),
        }
    }
    for constraint in further {
        if !all.iter().any(|before| same(before, &constraint)) {
            all.push(constraint);
        }
    }
    all
}

/// Where pods run, with further constraints on how they spread. What is not asked for is not claimed.
pub fn schedule(pod: PodSpec, scheduling: Option<&Scheduling>, further: Vec<Value>) -> PodSpec {
    let Scheduling { affinity, node_selector, priority_class_name, tolerations, topology_spread_constraints } =
        scheduling.cloned().unwrap_or_default();
    let constraints = constraints(topology_spread_constraints, further);
    let mut pod = pod;
    if let Some(affinity) = affinity {
        pod = pod.affinity(affinity);
    }
    if !node_selector.is_empty() {
        pod = pod.node_selector(node_selector);
    }
    if let Some(class) = priority_class_name.filter(|class| !class.is_empty()) {
        pod = pod.priority_class_name(class);
    }
    if !tolerations.is_empty() {
        pod = pod.tolerations(tolerations);
    }
    if !constraints.is_empty() {
        pod = pod.topology_spread_constraints(constraints);
    }
    pod
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_variables_of_one_name_the_last_counts() {
        let theirs = [json!({"name": "B", "value": "3"}), json!({"name": "C", "value": "4"}), json!({"name": "C"})];
        let all = json!(variables(vec![EnvVar::of("A", "1"), EnvVar::of("B", "2")], &theirs));
        assert_eq!(all, json!([{"name": "A", "value": "1"}, {"name": "B", "value": "3"}, {"name": "C"}]));
    }

    #[test]
    fn a_secret_for_pulling_images_is_named_once() {
        let reference = |name: &str| LocalReference { name: Some(name.to_owned()) };
        let named = json!(pull_secrets(&[reference("a"), reference("b"), reference("a")]));
        assert_eq!(named, json!([{"name": "a"}, {"name": "b"}]));
    }

    #[test]
    fn people_say_themselves_how_pods_spread() {
        let over = |place: &str, skew: u32| json!({"topologyKey": place, "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": skew});
        let theirs = vec![over("zone", 1), over("node", 2), over("zone", 3)];
        assert_eq!(constraints(theirs, vec![over("node", 1)]), [over("zone", 3), over("node", 2)]);
        assert_eq!(constraints(vec![over("zone", 2)], vec![over("node", 1)]), [over("zone", 2), over("node", 1)]);
    }

    #[test]
    fn names_of_volumes_stay_unless_kubernetes_refuses_them() {
        assert_eq!(volume_name("user-code-cm-mine2"), "user-code-cm-mine2");
        for odd in
            ["user-code-cm-a.b".to_owned(), "jet-cm-Aé".to_owned(), "x".repeat(200), "user-code-cm-a-".to_owned()]
        {
            let name = volume_name(&odd);
            assert!(
                name.len() <= 63 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
                "{name}"
            );
        }
        assert_ne!(volume_name("a.b"), volume_name("a_b"));
    }
}
