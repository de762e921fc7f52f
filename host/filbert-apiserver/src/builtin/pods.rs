//! What pod specifications must be like, in pods and in the templates of those who make pods.

use super::checks::{self, Check, Rule};
use super::names;
use crate::error::{FieldError, FieldErrors};
use serde_json::Value;

const VOLUME: &[Rule] = &[("volumes[].name", Check::Label)];

const CONTAINER: &[Rule] = &[
    ("name", Check::Label),
    ("image", Check::Required("")),
    ("imagePullPolicy", Check::OneOf(&["Always", "IfNotPresent", "Never"])),
    ("ports[].name", Check::OptionalLabel),
    ("ports[].containerPort", Check::RequiredPort),
    ("ports[].protocol", Check::OneOf(&["TCP", "UDP", "SCTP"])),
];

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];

const PROBE: &[Rule] = &[
    ("httpGet.port", Check::PortOrName),
    ("tcpSocket.port", Check::PortOrName),
    ("initialDelaySeconds", Check::NonNegative),
    ("timeoutSeconds", Check::NonNegative),
    ("periodSeconds", Check::NonNegative),
    ("successThreshold", Check::NonNegative),
    ("failureThreshold", Check::NonNegative),
];

const SPEC: &[Rule] = &[
    ("dnsPolicy", Check::OneOf(&["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"])),
    ("terminationGracePeriodSeconds", Check::NonNegative),
    ("hostname", Check::OptionalLabel),
    ("subdomain", Check::OptionalLabel),
    ("serviceAccountName", Check::Subdomain),
];

/// The restart policies that a pod may have, by who makes it.
pub(super) type RestartPolicies = Check;

/// Any: for pods themselves.
pub(super) const ANY_RESTART: RestartPolicies = Check::RequiredOneOf(&["Always", "OnFailure", "Never"], "");
/// For pods that run until they are deleted.
pub(super) const ALWAYS_RESTART: RestartPolicies = Check::OneOf(&["Always"]);
/// For pods that come to an end.
pub(super) const JOB_RESTART: RestartPolicies =
    Check::RequiredOneOf(&["OnFailure", "Never"], "valid values: \"OnFailure\", \"Never\"");

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn name_of(value: &Value) -> &str {
    value.get("name").and_then(Value::as_str).unwrap_or_default()
}

/// Sources of volumes in the order in which they are looked at; the first one counts.
const VOLUME_SOURCES: [&str; 29] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "persistentVolumeClaim",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "downwardAPI",
    "fc",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];

/// Checks a pod specification. `claims` are names of volumes that come from elsewhere.
pub(super) fn validate(spec: &Value, at: &str, restart: RestartPolicies, claims: &[&str], errors: &mut FieldErrors) {
    checks::run(VOLUME, spec, at, errors);
    check_unique(list(spec, "volumes"), &format!("{at}.volumes"), errors);
    for (index, volume) in list(spec, "volumes").iter().enumerate() {
        let at = format!("{at}.volumes[{index}]");
        let mut sources: Vec<&str> = volume
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .filter(|it| *it != "name")
            .collect();
        sources.sort_by_key(|name| VOLUME_SOURCES.iter().position(|known| known == name));
        if sources.is_empty() {
            errors.push(FieldError::required(at.as_str(), "must specify a volume type"));
        }
        for more in sources.into_iter().skip(1) {
            errors.push(FieldError::forbidden(format!("{at}.{more}"), "may not specify more than 1 volume type"));
        }
    }
    let volumes: Vec<&str> = list(spec, "volumes").iter().map(name_of).chain(claims.iter().copied()).collect();
    if list(spec, "containers").is_empty() {
        errors.push(FieldError::required(format!("{at}.containers"), ""));
    }
    for kind in ["containers", "initContainers"] {
        for (index, container) in list(spec, kind).iter().enumerate() {
            check_container(container, &format!("{at}.{kind}[{index}]"), &volumes, errors);
        }
    }
    let mut seen: Vec<&str> = Vec::new();
    for kind in ["containers", "initContainers"] {
        for (index, container) in list(spec, kind).iter().enumerate() {
            let name = name_of(container);
            if !name.is_empty() && seen.contains(&name) {
                errors.push(FieldError::duplicate(format!("{at}.{kind}[{index}].name"), name));
            }
            seen.push(name);
        }
    }
    checks::run(&[("restartPolicy", restart)], spec, at, errors);
    checks::run(SPEC, spec, at, errors);
}

fn check_unique(items: &[Value], at: &str, errors: &mut FieldErrors) {
    for (index, item) in items.iter().enumerate() {
        if items.iter().take(index).any(|earlier| name_of(earlier) == name_of(item)) {
            errors.push(FieldError::duplicate(format!("{at}[{index}].name"), name_of(item)));
        }
    }
}

fn check_container(container: &Value, at: &str, volumes: &[&str], errors: &mut FieldErrors) {
    checks::run(CONTAINER, container, at, errors);
    for (index, variable) in list(container, "env").iter().enumerate() {
        let name = name_of(variable);
        let at = format!("{at}.env[{index}].name");
        if name.is_empty() {
            errors.push(FieldError::required(at, ""));
            continue;
        }
        for complaint in names::environment_name(name) {
            errors.push(FieldError::invalid(at.as_str(), name, complaint));
        }
    }
    let mut paths: Vec<&str> = Vec::new();
    for (index, mount) in list(container, "volumeMounts").iter().enumerate() {
        let at = format!("{at}.volumeMounts[{index}]");
        let name = name_of(mount);
        if name.is_empty() {
            errors.push(FieldError::required(format!("{at}.name"), ""));
        }
        if !volumes.contains(&name) {
            errors.push(FieldError::not_found(format!("{at}.name"), name));
        }
        let path = mount.get("mountPath").and_then(Value::as_str).unwrap_or_default();
        if path.is_empty() {
            errors.push(FieldError::required(format!("{at}.mountPath"), ""));
        } else if paths.contains(&path) {
            errors.push(FieldError::invalid(format!("{at}.mountPath"), path, "must be unique"));
        }
        paths.push(path);
    }
    for probe in PROBES {
        if let Some(found) = container.get(probe).filter(|found| found.is_object()) {
            checks::run(PROBE, found, &format!("{at}.{probe}"), errors);
        }
    }
}

/// The fields of a pod that an update may change.
const MUTABLE: [&str; 3] = ["activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations"];

/// Refuses changes of a pod beyond images and the few fields that may change.
pub(super) fn validate_update(old: &Value, new: &Value, errors: &mut FieldErrors) {
    let fixed = |pod: &Value| {
        let mut spec = pod.get("spec").cloned().unwrap_or_default();
        for kind in ["containers", "initContainers"] {
            for container in spec.get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten() {
                container.as_object_mut().map(|container| container.remove("image"));
            }
        }
        if let Some(spec) = spec.as_object_mut() {
            spec.retain(|name, _| !MUTABLE.contains(&name.as_str()));
        }
        spec
    };
    if fixed(old) != fixed(new) {
        let detail = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,\
                      `spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),\
                      `spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        errors.push(FieldError::forbidden("spec", detail));
    }
}
