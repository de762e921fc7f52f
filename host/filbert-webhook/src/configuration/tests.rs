use super::*;

fn installation() -> Installation {
    Installation { name: "nutshell".to_owned(), namespace: "operators".to_owned(), watched: None, owner: None }
}

fn service() -> Reach {
    Reach::Service { namespace: "operators".to_owned(), name: "nutshell-webhook".to_owned(), port: 443 }
}

fn kites() -> ResourceType {
    ResourceType::new("example.dev", "v1", "kites")
}

/// The configurations for one pipeline that defaults and validates.
fn of(resource: &ResourceType, admission: &Value) -> Configurations {
    let admission: Admission = serde_json::from_value(admission.clone()).expect("an admission");
    let pipeline = Reviewed { name: "kites", resource, defaults: true, validates: true, admission: &admission };
    configurations([pipeline], &service(), "pem", &installation())
}

fn validating(resource: &ResourceType, admission: &Value) -> Value {
    of(resource, admission).validating.expect("a configuration")["webhooks"][0].take()
}

#[test]
fn a_pipeline_becomes_two_webhooks_with_all_that_an_api_server_needs() {
    let silent = Admission::default();
    let pipeline = Reviewed { name: "kites", resource: &kites(), defaults: true, validates: true, admission: &silent };
    let Configurations { mutating, validating, left_out } =
        configurations([pipeline], &service(), "pem", &installation());
    assert_eq!(left_out, []);
    let metadata = json!({
        "name": "nutshell",
        "labels": {"app.kubernetes.io/managed-by": "filbert", "filbert.dev/namespace": "operators"},
    });
    let webhook = |role: &str, path: &str| {
        json!({
            "name": format!("kites.{role}.filbert.dev"),
            "admissionReviewVersions": ["v1"],
            "clientConfig": {
                "service": {"namespace": "operators", "name": "nutshell-webhook", "port": 443, "path": path},
                "caBundle": "cGVt",
            },
            "rules": [{
                "apiGroups": ["example.dev"], "apiVersions": ["v1"], "resources": ["kites"],
                "operations": ["CREATE", "UPDATE"], "scope": "*",
            }],
            "matchPolicy": "Equivalent",
            "namespaceSelector": {"matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["operators"]},
            ]},
            "objectSelector": {},
            "matchConditions": [{"name": "not-being-deleted", "expression": NOT_BEING_DELETED}],
            "sideEffects": "None",
            "timeoutSeconds": 5,
            "failurePolicy": "Fail",
        })
    };
    let mut defaulting = webhook("defaulting", "/default/kites");
    defaulting["reinvocationPolicy"] = "IfNeeded".into();
    let api_version = "admissionregistration.k8s.io/v1";
    assert_eq!(
        mutating.expect("a configuration"),
        json!({"apiVersion": api_version, "kind": KINDS[0], "metadata": metadata, "webhooks": [defaulting]})
    );
    let validation = webhook("validation", "/validate/kites");
    assert_eq!(
        validating.expect("a configuration"),
        json!({"apiVersion": api_version, "kind": KINDS[1], "metadata": metadata, "webhooks": [validation]})
    );
}

#[test]
fn what_a_pipeline_says_of_admission_reaches_the_webhook() {
    let said = json!({
        "failurePolicy": "Fail", "operations": ["UPDATE", "DELETE"], "subResources": ["scale"],
        "namespaceSelector": {
            "matchLabels": {"team": "kites"},
            "matchExpressions": [{"key": "stage", "operator": "In", "values": ["live"]}],
        },
        "objectSelector": {"matchLabels": {"colour": "red"}},
        "matchConditions": [{"name": "people", "expression": "request.userInfo.username != 'robot'"}],
        "timeoutSeconds": 2,
    });
    let deployments = ResourceType::new("apps", "v1", "deployments");
    let Configurations { mutating, validating, .. } = of(&deployments, &said);
    let webhook = &validating.expect("a configuration")["webhooks"][0];
    assert_eq!(
        webhook["rules"],
        json!([{
            "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments", "deployments/scale"],
            "operations": ["UPDATE", "DELETE"], "scope": "*",
        }])
    );
    assert_eq!(
        webhook["namespaceSelector"],
        json!({
            "matchLabels": {"team": "kites"},
            "matchExpressions": [
                {"key": "stage", "operator": "In", "values": ["live"]},
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["operators"]},
            ],
        })
    );
    assert_eq!(webhook["objectSelector"], said["objectSelector"]);
    assert_eq!(webhook["matchConditions"][1], said["matchConditions"][0]);
    assert_eq!((&webhook["timeoutSeconds"], &webhook["failurePolicy"]), (&json!(2), &json!("Fail")));
    let operations = &mutating.expect("a configuration")["webhooks"][0]["rules"][0]["operations"];
    assert_eq!(operations, &json!(["UPDATE"]), "nothing is filled in where something goes");
}

#[test]
fn a_rule_about_what_goes_has_no_webhook_that_fills_in() {
    let Configurations { mutating, validating, .. } = of(&kites(), &json!({"operations": ["DELETE"]}));
    assert_eq!((mutating, validating.is_some()), (None, true));
}

#[test]
fn kinds_of_the_core_group_are_named_as_api_servers_name_them() {
    let webhook = validating(&ResourceType::new("", "v1", "pods"), &json!({}));
    let rule = &webhook["rules"][0];
    assert_eq!((&rule["apiGroups"], &rule["resources"]), (&json!([""]), &json!(["pods"])));
    assert_eq!(webhook["failurePolicy"], "Ignore");
}

#[test]
fn our_own_resources_are_never_in_scope() {
    for (group, plural) in
        [("filbert.dev", "modules"), ("admissionregistration.k8s.io", "validatingwebhookconfigurations")]
    {
        let found = of(&ResourceType::new(group, "v1", plural), &json!({"failurePolicy": "Fail"}));
        assert_eq!((&found.mutating, &found.validating), (&None, &None), "{group}");
        assert_eq!(found.left_out.len(), 1, "{group}");
    }
}

#[test]
fn a_name_that_no_object_could_have_spoils_no_other_pipeline() {
    let silent = Admission::default();
    let boats = ResourceType::new("example.dev", "v1", "boats");
    let named = |name| Reviewed { name, resource: &boats, defaults: false, validates: true, admission: &silent };
    let long = "a".repeat(64);
    let pipelines = ["My Boats", "boats", "-", "", long.as_str(), "a.b-c.d"].map(named);
    let found = configurations(pipelines, &service(), "pem", &installation());
    let left_out: Vec<_> = found.left_out.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(left_out, ["", "-", "My Boats", &long]);
    let webhooks = found.validating.expect("a configuration");
    let asked: Vec<_> = webhooks["webhooks"].as_array().expect("a list").iter().map(|it| &it["name"]).collect();
    assert_eq!(asked, ["a.b-c.d.validation.filbert.dev", "boats.validation.filbert.dev"]);
}

#[test]
fn pipelines_that_review_nothing_need_no_configuration() {
    let silent = Admission::default();
    let pipeline =
        Reviewed { name: "kites", resource: &kites(), defaults: false, validates: false, admission: &silent };
    assert_eq!(configurations([pipeline], &service(), "pem", &installation()), Configurations::default());
}

#[test]
fn an_operator_of_some_namespaces_is_asked_about_these_alone() {
    let silent = Admission::default();
    let pipeline = Reviewed { name: "kites", resource: &kites(), defaults: false, validates: true, admission: &silent };
    let watched = Some(vec!["red".to_owned(), "blue".to_owned()]);
    let found = configurations([pipeline], &service(), "pem", &Installation { watched, ..installation() });
    assert_eq!(
        found.validating.expect("a configuration")["webhooks"][0]["namespaceSelector"]["matchExpressions"],
        json!([
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["operators"]},
            {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["red", "blue"]},
        ])
    );
}

#[test]
fn configurations_go_with_their_owner() {
    let silent = Admission::default();
    let pipeline = Reviewed { name: "kites", resource: &kites(), defaults: true, validates: false, admission: &silent };
    let owner = json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": "nut", "uid": "1"});
    let installation = Installation { owner: Some(owner.clone()), ..installation() };
    let found = configurations([pipeline], &service(), "pem", &installation);
    assert_eq!(found.mutating.expect("a configuration")["metadata"]["ownerReferences"], json!([owner]));
}

#[test]
fn an_operator_outside_the_cluster_is_found_at_its_address() {
    let url: HttpsUrl = "https://operator.example.dev:8443/filbert/".parse().expect("an address");
    let silent = Admission::default();
    let pipeline = Reviewed { name: "kites", resource: &kites(), defaults: false, validates: true, admission: &silent };
    let reach = Reach::Url(url);
    let found = configurations([pipeline], &reach, "", &installation());
    assert_eq!(
        found.validating.expect("a configuration")["webhooks"][0]["clientConfig"],
        json!({"url": "https://operator.example.dev:8443/filbert/validate/kites"}),
        "and authorities that everybody knows need no mention"
    );
    assert_eq!(reach.names(), ["operator.example.dev"]);
    let v6: HttpsUrl = "https://[::1]:8443".parse().expect("an address");
    assert_eq!(Reach::Url(v6).names(), ["::1"]);
}

#[test]
fn addresses_that_api_servers_refuse_are_refused_here() {
    for text in
        ["", "operator", "http://operator.example.dev", "https://", "https://a.example?b=c", "https://u@a.example"]
    {
        let refused = text.parse::<HttpsUrl>();
        assert_eq!(refused, Err(NoHttpsUrl(text.to_owned())));
    }
}

#[test]
fn a_service_is_called_by_the_name_that_api_servers_use() {
    assert_eq!(service().names()[0], "nutshell-webhook.operators.svc");
}
