//! `filbert manifests`: what a cluster needs to run the operator.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Place, modules};

fn printed(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let output = place.run(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_saphyr::from_multiple(&String::from_utf8(output.stdout).expect("text")).expect("YAML")
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

/// Every `verb group/resource` of some roles.
fn allowed(roles: &[&Value]) -> BTreeSet<String> {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().expect("a list").iter().map(|it| it.as_str().expect("text").to_owned()).collect()
    };
    let mut found = BTreeSet::new();
    for rule in roles.iter().flat_map(|role| role["rules"].as_array().expect("rules")) {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                found.extend(texts(&rule["verbs"]).into_iter().map(|verb| format!("{verb} {group}/{resource}")));
            }
        }
    }
    found
}

#[test]
fn roles_allow_what_is_granted_and_nothing_else() {
    let place = Place::with_hello();
    let roles = printed(&place, &["manifests", "--rbac", "--modules", "modules", "--namespace", "ops"]);
    let cluster = allowed(&of_kind(&roles, "ClusterRole"));
    for verb in ["get", "list", "watch", "create", "patch", "delete"] {
        assert!(cluster.contains(&format!("{verb} /configmaps")), "{verb} in {cluster:?}");
    }
    assert!(cluster.contains("patch example.dev/greetings/status"), "{cluster:?}");
    let stranger = |right: &&String| right.contains("secrets") || right.contains("statefulsets") || right.contains('*');
    assert_eq!(cluster.iter().find(stranger), None, "hello is granted neither");
    // The file says what is granted: without the verb, nothing of it is left.
    place.edit("modules/hello.yaml", "[read, apply, delete]", "[read]");
    let roles = printed(&place, &["manifests", "--rbac", "--modules", "modules", "--namespace", "ops"]);
    let narrower = allowed(&of_kind(&roles, "ClusterRole"));
    let gone: Vec<_> = cluster.difference(&narrower).map(String::as_str).collect();
    assert_eq!(gone, ["create /configmaps", "delete /configmaps", "patch /configmaps"]);
}

#[test]
fn a_watched_namespace_is_all_that_an_operator_may_touch() {
    let place = Place::with_hello();
    let arguments = ["manifests", "--rbac", "--modules", "modules", "--namespace", "ops", "--watch-namespace", "blue"];
    let roles = printed(&place, &arguments);
    let cluster = allowed(&of_kind(&roles, "ClusterRole"));
    assert_eq!(cluster.iter().find(|right| right.contains("configmaps") || right.contains("greetings")), None);
    let in_blue: Vec<_> =
        of_kind(&roles, "Role").into_iter().filter(|role| role["metadata"]["namespace"] == "blue").collect();
    assert!(allowed(&in_blue).contains("patch example.dev/greetings"), "{in_blue:?}");
}

#[test]
fn manifests_are_whole() {
    let place = Place::new();
    let modules = modules().display().to_string();
    let image = "example.org/filbert:2";
    let objects = printed(&place, &["manifests", "--modules", &modules, "--namespace", "ops", "--image", image]);
    let definitions = of_kind(&objects, "CustomResourceDefinition");
    assert!(definitions.iter().any(|it| it["metadata"]["name"] == "hazelcasts.hazelcast.com"));
    assert!(definitions.iter().any(|it| it["metadata"]["name"] == "pipelines.filbert.dev"));
    let [deployment] = of_kind(&objects, "Deployment")[..] else { panic!("one Deployment") };
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["image"], image);
    let account = pod["serviceAccountName"].clone();
    let [found] = of_kind(&objects, "ServiceAccount")[..] else { panic!("one ServiceAccount") };
    assert_eq!(found["metadata"]["name"], account);
    for binding in [of_kind(&objects, "ClusterRoleBinding"), of_kind(&objects, "RoleBinding")].concat() {
        assert_eq!(binding["subjects"], json!([{"kind": "ServiceAccount", "name": account, "namespace": "ops"}]));
    }
    let text = serde_json::to_string(&objects).expect("JSON");
    assert!(!text.contains("filbert-system"), "the namespace that was not asked for");
    let namespaces = of_kind(&objects, "Namespace");
    assert_eq!(namespaces.len(), 1);
    assert_eq!(namespaces[0]["metadata"]["name"], "ops");
}
