//! `filbert render`: what it prints is what the operator applies.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use filbert_kube::Discovery;
use filbert_kube::cache::OWNED_BY;
use filbert_plan::object::{ObjectKey, ResourceType, TypeMeta};
use serde_json::Value;

use crate::dev::{self, Dev};
use crate::samples;
use crate::support::{Place, modules, target};

/// Types of which steps of ours make objects: group, version, plural.
const TYPES: [(&str, &str, &str); 12] = [
    ("", "v1", "configmaps"),
    ("", "v1", "secrets"),
    ("", "v1", "serviceaccounts"),
    ("", "v1", "services"),
    ("apps", "v1", "statefulsets"),
    ("networking.k8s.io", "v1", "ingresses"),
    ("policy", "v1", "poddisruptionbudgets"),
    ("rbac.authorization.k8s.io", "v1", "clusterrolebindings"),
    ("rbac.authorization.k8s.io", "v1", "clusterroles"),
    ("rbac.authorization.k8s.io", "v1", "rolebindings"),
    ("rbac.authorization.k8s.io", "v1", "roles"),
    ("hazelcast.com", "v1alpha1", "hazelcastendpoints"),
];

fn title(object: &Value) -> String {
    format!("{} {}", object["kind"].as_str().expect("a kind"), object["metadata"]["name"].as_str().expect("a name"))
}

/// Whether everything of one value is in another, which may have more fields.
fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            // A server leaves out texts that are empty.
            part.iter().all(|(name, part)| whole.get(name).map_or(part == "", |whole| holds(whole, part)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| holds(whole, part))
        }
        _ => whole == part,
    }
}

fn rendered(place: &Place, sample: &Path) -> Vec<Value> {
    let (modules, file) = (modules().display().to_string(), sample.display().to_string());
    let output = place.run(&["render", "--modules", &modules, "-f", &file]);
    assert_eq!(output.status.code(), Some(0), "{file}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let rendered: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
    assert!(!rendered.is_empty(), "{file}: something is rendered");
    rendered
}

/// Reviewed objects of samples.
fn golden() -> PathBuf {
    samples::root().join("tests/rendered")
}

/// The same object, in which people can read what a Secret holds.
fn readable(mut object: Value) -> Value {
    if object["kind"] == "Secret" {
        let Some(data) = object.get_mut("data").and_then(Value::as_object_mut) else { return object };
        let texts: serde_json::Map<_, _> = data
            .iter()
            .filter_map(|(file, encoded)| {
                let bytes = STANDARD.decode(encoded.as_str().expect("text")).expect("base64");
                Some((file.clone(), String::from_utf8(bytes).ok()?.into()))
            })
            .collect();
        data.retain(|file, _| !texts.contains_key(file));
        if data.is_empty() {
            object.as_object_mut().expect("an object").remove("data");
        }
        object["stringData"] = texts.into();
    }
    object
}

fn first_difference(wanted: &str, found: &str) -> String {
    let wanted: Vec<_> = wanted.lines().collect();
    let differs = found.lines().enumerate().find(|(index, line)| wanted.get(*index) != Some(line));
    let (index, line) = differs.unwrap_or((found.lines().count(), "(nothing more)"));
    format!("line {}:\n- {}\n+ {line}", index + 1, wanted.get(index).unwrap_or(&"(nothing more)"))
}

#[test]
fn what_is_rendered_of_each_sample_is_what_was_reviewed() {
    let mut differing = Vec::new();
    let mut names = BTreeSet::new();
    for sample in samples::own() {
        let name = sample.file_name().expect("a file").to_owned();
        names.insert(name.clone());
        let mut text = format!(
            "# `BLESS=1 cargo xtask test` writes this file: what crds/samples/{} renders to.\n",
            name.display()
        );
        for object in rendered(&Place::new(), &sample) {
            let yaml = serde_saphyr::to_string(&readable(object)).expect("an object can be written");
            writeln!(text, "---\n{}", yaml.trim_end()).expect("memory");
        }
        let file = golden().join(&name);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&file, &text).expect("written");
            continue;
        }
        let reviewed = std::fs::read_to_string(&file).unwrap_or_default();
        if reviewed != text {
            differing.push(format!("{}\n{}", name.display(), first_difference(&reviewed, &text)));
        }
    }
    assert!(differing.is_empty(), "{}\nWith BLESS=1 it becomes the reviewed one.", differing.join("\n"));
    let kept: BTreeSet<_> =
        std::fs::read_dir(golden()).expect("a folder").map(|file| file.expect("a file").file_name()).collect();
    assert_eq!(kept, names, "every file there is of a sample");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_rendered_of_each_sample_is_what_the_operator_applies() {
    for sample in samples::own() {
        let place = Place::new();
        let (modules, file) = (modules().display().to_string(), sample.display().to_string());
        let rendered = rendered(&place, &sample);
        let _dev = Dev::with(&place, &modules, &file);
        let client = dev::client(&place).await;
        let (api, discovery) = (filbert_kube::Api::new(client.clone()), Discovery::new(client));
        let mut expected = BTreeSet::new();
        for object in &rendered {
            let meta = TypeMeta::of(object).expect("an object has a type");
            let served = discovery.of_type(&meta).await.expect("an answer").expect("it is served");
            let namespace = served.namespaced.then(|| "default".to_owned());
            let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
            let key = ObjectKey { resource: served.resource, namespace, name };
            let said = object["metadata"].get("namespace").and_then(Value::as_str);
            assert_eq!(said, key.namespace.as_deref(), "{key} says its namespace where it has one");
            dev::until(&api, &key, |live| holds(live, object)).await;
            expected.insert((key.resource.plural, key.name));
        }
        let mut owned = BTreeSet::new();
        for (group, version, plural) in TYPES {
            let resource = ResourceType::new(group, version, plural);
            for object in api.list(&resource, None).await.expect("an answer") {
                if object["metadata"]["labels"].get(OWNED_BY).is_some() {
                    let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
                    owned.insert((plural.to_owned(), name));
                }
            }
        }
        assert_eq!(owned, expected, "{file}: what the operator owns is what is rendered");
    }
}

#[test]
fn a_resource_is_rendered_with_what_it_refers_to() {
    let place = Place::new();
    let modules = target().join("modules").display().to_string();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: licence}\nstringData: {license-key: xyz}\n";
    let cluster = "apiVersion: hazelcast.com/v1alpha1\nkind: Hazelcast\nmetadata: {name: library}\nspec: {clusterSize: 2, licenseKeySecretName: licence}\n";
    place.write("resources.yaml", format!("{cluster}---\n{secret}").as_bytes());
    let output = place.run(&["render", "--modules", &modules, "-f", "resources.yaml"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
    let titles: Vec<_> = objects.iter().map(title).collect();
    let expected = [
        "ServiceAccount library",
        "Role library",
        "RoleBinding library",
        "Service library",
        "Secret library",
        "ConfigMap library-init",
        "StatefulSet library",
    ];
    assert_eq!(titles, expected);
    assert!(objects.iter().all(|it| it["metadata"]["namespace"] == "default"));
    assert!(
        objects[6].to_string().contains(r#""secretKeyRef":{"key":"license-key","name":"licence"}"#),
        "{}",
        objects[6]
    );
}
