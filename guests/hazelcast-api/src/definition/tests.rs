use super::*;

#[test]
fn the_schema_is_one_that_the_api_server_takes() {
    fn check(node: &Value, path: &str) {
        let fields = node.as_object().expect("a node is an object");
        for forbidden in ["$ref", "$defs", "$schema", "oneOf", "nullable", "title", "const"] {
            assert!(!fields.contains_key(forbidden), "{forbidden} at {path}");
        }
        let typed =
            fields.get("type").is_some_and(Value::is_string) || fields.contains_key("x-kubernetes-int-or-string");
        assert!(typed, "no single type at {path}: {node}");
        for key in ["items", "additionalProperties"] {
            if let Some(inner) = fields.get(key) {
                check(inner, &format!("{path}/{key}"));
            }
        }
        for (name, inner) in fields.get("properties").and_then(Value::as_object).into_iter().flatten() {
            check(inner, &format!("{path}/{name}"));
        }
    }
    for (name, definition) in all() {
        check(&definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"], &name);
    }
}

#[test]
fn what_the_schema_fills_in_is_what_the_types_fill_in() {
    let types = serde_json::to_value(hazelcast::Spec::default()).expect("JSON");
    assert_eq!(
        types,
        json!({
            "clusterName": "dev", "clusterSize": 3, "imagePullPolicy": "IfNotPresent", "loggingLevel": "INFO",
            "jet": {"enabled": true, "resourceUploadEnabled": false},
        })
    );
}

#[test]
fn an_object_comes_back_as_it_was() {
    let spec = json!({
        "clusterSize": 0, "clusterName": "blue", "imagePullPolicy": "Always", "loggingLevel": "WARN",
        "jet": {"enabled": false, "resourceUploadEnabled": true, "remoteURLs": ["http://x"]},
        "exposeExternally": {"type": "Smart", "memberAccess": "NodePortExternalIP", "discoveryServiceType": "NodePort"},
        "persistence": {"clusterDataRecoveryPolicy": "FullRecoveryOnly", "pvc": {"accessModes": [], "requestStorage": 5}},
    });
    let read: hazelcast::Spec = serde_json::from_value(spec.clone()).expect("a specification");
    assert_eq!(serde_json::to_value(read).expect("JSON"), spec);
}
