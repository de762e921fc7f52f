//! What the definitions of our kinds refuse by themselves, without anybody being asked, and what they admit.

use filbert_plan::object::{ObjectKey, ResourceType};
use filbert_tests::world::World;
use serde_json::{Value, json};

use crate::support::{center, cluster, hazelcast, management_center};

fn endpoint(port: u16) -> Value {
    let spec = json!({"hazelcastResourceName": "library", "port": port, "type": "Discovery"});
    let metadata = json!({"name": "library", "namespace": "default"});
    json!({"apiVersion": "hazelcast.com/v1alpha1", "kind": "HazelcastEndpoint", "metadata": metadata, "spec": spec})
}

/// What the server says to an object.
async fn answer(world: &World, key: &ObjectKey, object: &Value) -> String {
    match world.api.apply(key, object, "person", true).await {
        Ok(_) => String::new(),
        Err(error) => error.detail(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_schema_can_say_is_refused_by_the_server() {
    let world = World::start().await;
    let ldap = |url: &str, start: bool| {
        let groups = json!(["a"]);
        json!({"securityProvider": {"ldap": {
            "url": url, "credentialsSecretName": "s", "userDN": "u", "groupDN": "g", "userSearchFilter": "f", "groupSearchFilter": "f",
            "adminGroups": groups, "userGroups": groups, "readonlyUserGroups": groups, "metricsOnlyGroups": groups,
            "tls": {"secretName": "t", "startTLS": start},
        }}})
    };
    let port = |port: i32| json!({"advancedNetwork": {"clientServerSocketEndpointConfig": {"port": port}}});
    let tls = |duration: &str| json!({"tls": {"secretName": "s", "keyMaterialDuration": duration}});
    let discovery = |discovery: Value| json!({"discovery": discovery});
    let lite = |name: &str| json!({"liteMember": {"count": 1, "env": [{"name": name}]}});
    let (library, tower) = (hazelcast("library"), management_center("tower"));
    // What is refused, with what is said, and its nearest neighbour.
    let cases = [
        (&library, port(8081), "are taken by other endpoints", port(8082)),
        (&library, tls("-1s"), "spec.tls.keyMaterialDuration", tls("1h30m")),
        (
            &library,
            discovery(json!({"serviceName": "a", "podLabelName": "b", "podLabelValue": "c"})),
            "choose members in one way",
            discovery(json!({"serviceName": "a"})),
        ),
        (
            &library,
            discovery(json!({"wholeNamespace": true, "serviceName": "a"})),
            "choose members in one way",
            discovery(json!({"wholeNamespace": false, "serviceName": "a"})),
        ),
        (
            &library,
            discovery(json!({"podLabelName": "a"})),
            "podLabelName and podLabelValue belong together",
            discovery(json!({"podLabelName": "a", "podLabelValue": "b"})),
        ),
        (
            &library,
            discovery(json!({"serviceLabelValue": "a"})),
            "serviceLabelValue needs serviceLabelName",
            discovery(json!({"serviceLabelName": "a"})),
        ),
        (&library, lite("HZ_A"), "variables must not begin with 'HZ_'", lite("A")),
        (&library, lite(""), "a variable must have a name", lite("A")),
        (
            &library,
            json!({"diagnostics": {"fileNamePrefix": "a/b"}}),
            "spec.diagnostics.fileNamePrefix",
            json!({"diagnostics": {"fileNamePrefix": "a-b"}}),
        ),
        (&tower, ldap("ldaps://a", true), "startTLS cannot be used with an ldaps URL", ldap("ldaps://a", false)),
    ];
    for (key, refused, said, admitted) in cases {
        let object = |spec: Value| if *key == library { cluster("library", spec) } else { center("tower", spec) };
        let answered = answer(&world, key, &object(refused.clone())).await;
        assert!(answered.contains(said), "{refused}: {answered:?}");
        assert_eq!(answer(&world, key, &object(admitted.clone())).await, "", "{admitted}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_endpoint_is_of_does_not_change() {
    let world = World::start().await;
    let endpoints = ResourceType::new("hazelcast.com", "v1alpha1", "hazelcastendpoints");
    let key = ObjectKey::namespaced(endpoints, "default", "library");
    assert_eq!(answer(&world, &key, &endpoint(5701)).await, "");
    let answered = answer(&world, &key, &endpoint(5801)).await;
    assert!(answered.contains("spec: Forbidden: field cannot be updated"), "{answered}");
    assert_eq!(answer(&world, &key, &endpoint(5701)).await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_admits_every_sample() {
    let world = World::start().await;
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crds/samples");
    let mut admitted = 0;
    for file in std::fs::read_dir(folder).expect("samples") {
        let file = file.expect("a file").path();
        let text = std::fs::read_to_string(&file).expect("text");
        let objects: Vec<Value> = serde_saphyr::from_multiple(&text).expect("YAML");
        for object in objects {
            let plural = match object["kind"].as_str() {
                Some("Hazelcast") => "hazelcasts",
                Some("ManagementCenter") => "managementcenters",
                _ => continue,
            };
            let resource = ResourceType::new("hazelcast.com", "v1alpha1", plural);
            let key = ObjectKey::namespaced(resource, "default", object["metadata"]["name"].as_str().expect("a name"));
            assert_eq!(answer(&world, &key, &object).await, "", "{}", file.display());
            admitted += 1;
        }
    }
    assert!(admitted > 10, "only {admitted} samples");
}
