//! Defaults that are computed from other fields of the object.

use super::fill::walk;
use base64::Engine;
use serde_json::{Map, Value, json};

/// Where a kind keeps its pod specification.
pub(super) fn pod_spec_path(group: &str, kind: &str) -> Option<&'static str> {
    Some(match (group, kind) {
        ("", "Pod") => "spec",
        ("", "PodTemplate") => "template.spec",
        ("", "ReplicationController") | ("apps", _) | ("batch", "Job") => "spec.template.spec",
        ("batch", "CronJob") => "spec.jobTemplate.spec.template.spec",
        _ => return None,
    })
}

/// Applies what tables cannot say, before the table of the kind.
pub(super) fn before(group: &str, kind: &str, object: &mut Value) {
    if let Some(path) = pod_spec_path(group, kind) {
        walk(object, path, &mut pod_spec);
    }
    match (group, kind) {
        ("apiextensions.k8s.io", "CustomResourceDefinition") => walk(object, "spec.names", &mut definition_names),
        ("", "Secret") => merge_string_data(object),
        ("", "Pod") => copy_limits(object, true),
        ("", "LimitRange") => walk(object, "spec.limits[]", &mut limit_range),
        ("batch", "Job") => job(object),
        ("networking.k8s.io", "NetworkPolicy") => policy_types(object),
        _ => {}
    }
}

/// Applies what depends on the defaults of the table.
pub(super) fn after(group: &str, kind: &str, object: &mut Value) {
    match (group, kind) {
        ("", "Service") => service(object),
        ("", "Pod") => qos_class(object),
        ("apps", "DaemonSet") => {
            walk(object, "metadata!.annotations!", &mut |annotations| {
                if let Some(annotations) = annotations.as_object_mut() {
                    let key = "deprecated.daemonset.template.generation";
                    annotations.entry(key).or_insert_with(|| json!("1"));
                }
            });
        }
        _ => {}
    }
}

fn pod_spec(spec: &mut Value) {
    for list in ["initContainers[]", "containers[]", "ephemeralContainers[]"] {
        walk(spec, list, &mut |container| {
            let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
            // An image without tag, or with the tag that moves, is asked for again and again.
            let name = image.rsplit('/').next().unwrap_or_default();
            let policy = match name.split_once(':') {
                _ if name.contains('@') => "IfNotPresent",
                None | Some((_, "latest")) => "Always",
                Some(_) => "IfNotPresent",
            };
            if let Some(container) = container.as_object_mut() {
                container.entry("imagePullPolicy").or_insert_with(|| policy.into());
            }
        });
    }
    let Some(map) = spec.as_object_mut() else { return };
    // The old name of the service account follows the new one.
    if let Some(name) = map.get("serviceAccountName").or_else(|| map.get("serviceAccount")).cloned() {
        map.insert("serviceAccountName".to_owned(), name.clone());
        map.insert("serviceAccount".to_owned(), name);
    }
}

/// Requests follow limits where they are not given.
fn copy_limits(object: &mut Value, _pod: bool) {
    for list in ["spec.initContainers[].resources", "spec.containers[].resources"] {
        walk(object, list, &mut |resources| {
            let limits = resources.get("limits").and_then(Value::as_object).cloned().unwrap_or_default();
            let Some(resources) = resources.as_object_mut() else { return };
            if limits.is_empty() {
                return;
            }
            let requests = resources.entry("requests").or_insert_with(|| json!({}));
            if let Some(requests) = requests.as_object_mut() {
                for (name, limit) in limits {
                    requests.entry(name).or_insert(limit);
                }
            }
        });
    }
}

/// A definition's singular name and the kind of its lists follow its kind.
fn definition_names(names: &mut Value) {
    let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(names) = names.as_object_mut() else { return };
    if kind.is_empty() {
        return;
    }
    for (name, value) in [("singular", kind.to_lowercase()), ("listKind", format!("{kind}List"))] {
        let given = names.get(name).and_then(Value::as_str).unwrap_or_default();
        if given.is_empty() {
            names.insert(name.to_owned(), value.into());
        }
    }
}

fn limit_range(limit: &mut Value) {
    if limit.get("type").and_then(Value::as_str) != Some("Container") {
        return;
    }
    let Some(limit) = limit.as_object_mut() else { return };
    for (target, sources) in [("default", &["max"][..]), ("defaultRequest", &["default", "min"][..])] {
        let mut filled = limit.get(target).and_then(Value::as_object).cloned().unwrap_or_default();
        for source in sources {
            for (name, value) in limit.get(*source).and_then(Value::as_object).into_iter().flatten() {
                filled.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        if !filled.is_empty() {
            limit.insert(target.to_owned(), Value::Object(filled));
        }
    }
}

fn merge_string_data(secret: &mut Value) {
    let Some(secret) = secret.as_object_mut() else { return };
    let Some(Value::Object(texts)) = secret.remove("stringData") else {
        return;
    };
    let data = secret.entry("data").or_insert_with(|| Value::Object(Map::new()));
    let Some(data) = data.as_object_mut() else { return };
    for (key, text) in texts {
        let text = text.as_str().unwrap_or_default();
        data.insert(key, base64::engine::general_purpose::STANDARD.encode(text).into());
    }
}

pub(super) fn job(object: &mut Value) {
    let uid = object.pointer("/metadata/uid").cloned();
    let name = object.pointer("/metadata/name").cloned();
    let manual = object.pointer("/spec/manualSelector") == Some(&Value::Bool(true));
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if !spec.contains_key("completions") && !spec.contains_key("parallelism") {
        spec.insert("completions".to_owned(), 1.into());
    }
    spec.entry("parallelism").or_insert_with(|| 1.into());
    let (Some(uid), Some(name)) = (uid, name) else { return };
    if manual || spec.contains_key("selector") {
        return;
    }
    spec.insert("selector".to_owned(), json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}));
    walk(object, "spec.template!.metadata!.labels!", &mut |labels| {
        for (key, value) in [
            ("batch.kubernetes.io/controller-uid", &uid),
            ("batch.kubernetes.io/job-name", &name),
            ("controller-uid", &uid),
            ("job-name", &name),
        ] {
            if let Some(labels) = labels.as_object_mut() {
                labels.insert(key.to_owned(), value.clone());
            }
        }
    });
    // A job without labels of its own takes those of its pods.
    let labels = object.pointer("/spec/template/metadata/labels").cloned();
    if object.pointer("/metadata/labels").is_none()
        && let (Some(labels), Some(metadata)) = (labels, object.get_mut("metadata").and_then(Value::as_object_mut))
    {
        metadata.insert("labels".to_owned(), labels);
    }
}

fn policy_types(object: &mut Value) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if !spec.contains_key("policyTypes") {
        let egress = spec.get("egress").and_then(Value::as_array).is_some_and(|rules| !rules.is_empty());
        let types = if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
        spec.insert("policyTypes".to_owned(), types);
    }
}

fn service(object: &mut Value) {
    walk(object, "status.loadBalancer.ingress[]", &mut |ingress| {
        if let Some(ingress) = ingress.as_object_mut().filter(|ingress| ingress.contains_key("ip")) {
            ingress.entry("ipMode").or_insert_with(|| json!("VIP"));
        }
    });
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let number = port.get("port").cloned();
        let Some(port) = port.as_object_mut() else { continue };
        let missing = match port.get("targetPort") {
            None | Some(Value::Null) => true,
            Some(Value::String(name)) => name.is_empty(),
            Some(number) => number.as_i64() == Some(0),
        };
        if let Some(number) = number.filter(|_| missing) {
            port.insert("targetPort".to_owned(), number);
        }
    }
}

/// What the scheduler and kubelet think of a pod that asks for this much.
fn qos_class(object: &mut Value) {
    let containers: Vec<Value> = ["/spec/initContainers", "/spec/containers"]
        .iter()
        .filter_map(|list| object.pointer(list)?.as_array())
        .flatten()
        .cloned()
        .collect();
    let of = |container: &Value, part: &str, name: &str| -> Option<Value> {
        container.get("resources")?.get(part)?.get(name).cloned()
    };
    let any = containers.iter().any(|container| {
        ["requests", "limits"]
            .iter()
            .any(|part| ["cpu", "memory"].iter().any(|name| of(container, part, name).is_some()))
    });
    let guaranteed = any
        && containers.iter().all(|container| {
            ["cpu", "memory"].iter().all(|name| {
                let limit = of(container, "limits", name);
                limit.is_some() && limit == of(container, "requests", name)
            })
        });
    let class = match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    };
    walk(object, "status!", &mut |status| {
        if let Some(status) = status.as_object_mut() {
            status.entry("qosClass").or_insert_with(|| class.into());
        }
    });
}

/// Where a pod finds the token of its service account.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// What the admission plugins that every cluster has put into a new pod: service account and its token, tolerations, priority.
pub(super) fn admit_pod(object: &mut Value) {
    let name = format!("kube-api-access-{}", name_letters(object));
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if spec.get("serviceAccountName").and_then(Value::as_str).is_none_or(str::is_empty) {
        spec.insert("serviceAccountName".to_owned(), "default".into());
        spec.insert("serviceAccount".to_owned(), "default".into());
    }
    spec.entry("priority").or_insert_with(|| 0.into());
    spec.entry("preemptionPolicy").or_insert_with(|| "PreemptLowerPriority".into());
    let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
    if let Some(tolerations) = tolerations.as_array_mut() {
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            if !tolerations.iter().any(|toleration| toleration.get("key").and_then(Value::as_str) == Some(key)) {
                tolerations
                    .push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
            }
        }
    }
    if spec.get("automountServiceAccountToken") != Some(&Value::Bool(false)) {
        mount_token(spec, &name);
    }
}

fn mount_token(spec: &mut Map<String, Value>, name: &str) {
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let Some(container) = container.as_object_mut() else { continue };
            let mounts = container.entry("volumeMounts").or_insert_with(|| json!([]));
            let Some(mounts) = mounts.as_array_mut() else { continue };
            if !mounts.iter().any(|mount| mount.get("mountPath").and_then(Value::as_str) == Some(TOKEN_PATH)) {
                mounts.push(json!({"name": name, "readOnly": true, "mountPath": TOKEN_PATH}));
                mounted = true;
            }
        }
    }
    let volumes = spec.entry("volumes").or_insert_with(|| json!([]));
    let Some(volumes) = volumes.as_array_mut() else { return };
    let present = volumes.iter().any(|volume| volume.get("name").and_then(Value::as_str) == Some(name));
    if mounted && !present {
        volumes.push(json!({"name": name, "projected": {
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [
                    {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                ]}},
            ],
            "defaultMode": 420
        }}));
    } else if volumes.is_empty() {
        spec.remove("volumes");
    }
}

/// Five letters that stay the same for a pod.
fn name_letters(object: &Value) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let seed = object.pointer("/metadata/uid").or_else(|| object.pointer("/metadata/name"));
    let digest = <sha2::Sha256 as sha2::Digest>::digest(seed.and_then(Value::as_str).unwrap_or_default());
    let letters = digest.iter().take(5).filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()));
    letters.map(|letter| char::from(*letter)).collect()
}
