use super::*;
use serde_json::json;

fn services() -> ResourceType {
    ResourceType::new("", "v1", "services")
}

fn grants(yaml_like: Value) -> Grants {
    serde_json::from_value(yaml_like).expect("a grant")
}

fn own_services() -> Grants {
    grants(json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "services"},
        "verbs": ["read", "apply"], "names": ["{name}", "{name}-*"]}}]))
}

const BLUE: Subject<'_> = Subject { namespace: Some("market"), name: "blue" };

#[test]
fn allows_names_made_from_that_of_the_reconciled_object() {
    for name in ["blue", "blue-0"] {
        own_services()
            .check(Verb::Apply, &ObjectKey::namespaced(services(), "market", name), None, BLUE)
            .expect("allowed");
    }
}

#[test]
fn denies_another_name_verb_namespace_or_type_and_says_what_is_missing() {
    let denied = |verb, key: ObjectKey| own_services().check(verb, &key, None, BLUE).expect_err("denied").to_string();
    insta::assert_snapshot!(
        [
            denied(Verb::Apply, ObjectKey::namespaced(services(), "market", "green")),
            denied(Verb::Delete, ObjectKey::namespaced(services(), "market", "blue")),
            denied(Verb::Read, ObjectKey::namespaced(services(), "harbour", "blue")),
            denied(Verb::Read, ObjectKey { resource: ResourceType::new("", "v1", "nodes"), namespace: None, name: "n".into() }),
        ]
        .join("\n"),
        @r"
    apply of services/v1 market/green is outside the grant; the module would need `apply` on `services/v1`
    delete of services/v1 market/blue is outside the grant; the module would need `delete` on `services/v1`
    read of services/v1 harbour/blue is outside the grant; the module would need `read` on `services/v1` in namespace `harbour`
    read of nodes/v1 n is outside the grant; the module would need `read` on `nodes/v1` within all namespaces, as for every cluster-scoped object
    "
    );
}

#[test]
fn a_list_shows_only_what_is_granted() {
    let grants = own_services();
    let shown = grants.check_list(&services(), Some("market"), BLUE).expect("granted");
    let none = BTreeMap::new();
    assert!(shown.shows(Some("market"), "blue-1", &none, BLUE));
    assert!(!shown.shows(Some("market"), "green", &none, BLUE));
    assert!(grants.check_list(&services(), Some("harbour"), BLUE).is_err());
}

#[test]
fn labels_bound_what_may_be_read() {
    let grants =
        grants(json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "pods"}, "verbs": ["read"],
        "labels": [{"key": "app", "operator": "one-of", "values": ["blue"]}]}}]));
    let key = ObjectKey::namespaced(ResourceType::new("", "v1", "pods"), "market", "p");
    let labels = |value: &str| BTreeMap::from([("app".to_owned(), value.to_owned())]);
    assert!(grants.check(Verb::Read, &key, Some(&labels("blue")), BLUE).is_ok());
    let denied = grants.check(Verb::Read, &key, Some(&labels("green")), BLUE).expect_err("denied");
    assert!(denied.to_string().ends_with("but its labels do not match the grant"), "{denied}");
}

#[test]
fn a_wish_for_more_is_found() {
    let wider = grants(
        json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "services"}, "verbs": ["read", "delete"]}}]),
    );
    assert!(wider.first_beyond(&own_services()).is_some());
    let narrower = grants(json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "services"},
        "verbs": ["apply"], "names": ["{name}-0"]}}]));
    assert_eq!(narrower.first_beyond(&own_services()), None);
}

#[test]
fn what_two_grants_have_in_common_is_all_that_either_bounds() {
    let object = |verbs: Value, names: Value, within: Value, label: Option<&str>| {
        let labels = label.map(|key| json!({"key": key, "operator": "exists"}));
        json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "pods"}, "verbs": verbs, "names": names,
            "within": within, "labels": labels.into_iter().collect::<Vec<_>>()}}])
    };
    let given =
        grants(object(json!(["read", "apply"]), json!(["{name}-*", "lamp"]), json!({"named": ["market"]}), Some("a")));
    let wished = grants(object(json!(["read", "delete"]), json!(["{name}-0", "l*", "oak"]), json!("here"), Some("b")));
    let both = given.intersection(&wished);
    let expected = json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "pods"}, "verbs": ["read"],
        "within": {"hereIn": ["market"]}, "names": ["{name}-0", "lamp"],
        "labels": [{"key": "a", "operator": "exists"}, {"key": "b", "operator": "exists"}]}}]);
    assert_eq!(serde_json::to_value(&both).expect("JSON"), expected);
    for bound in [&given, &wished] {
        assert_eq!(both.first_beyond(bound), None);
    }
}

#[test]
fn grants_that_share_no_name_verb_type_or_namespace_have_nothing_in_common() {
    let base = json!({"resource": {"group": "", "version": "v1", "plural": "pods"}, "verbs": ["read"], "names": ["a"], "within": {"named": ["x"]}});
    for (field, value) in [
        ("names", json!(["b"])),
        ("verbs", json!(["apply"])),
        ("within", json!({"named": ["y"]})),
        ("resource", json!({"group": "", "version": "v1", "plural": "nodes"})),
    ] {
        let mut other = base.clone();
        other[field] = value;
        let both = grants(json!([{"objects": base}])).intersection(&grants(json!([{"objects": other}])));
        assert_eq!(both, Grants::default(), "{field}");
    }
}

#[test]
fn its_own_namespace_where_it_is_one_of_some_is_neither_of_both() {
    let within = |within: Value| {
        grants(
            json!([{"objects": {"resource": {"group": "", "version": "v1", "plural": "pods"}, "verbs": ["read"], "within": within}}]),
        )
    };
    let both = within(json!("here")).intersection(&within(json!({"named": ["market", "harbour"]})));
    let may = |namespace: &str, subject: Subject<'_>| {
        let key = ObjectKey::namespaced(ResourceType::new("", "v1", "pods"), namespace, "p");
        both.check(Verb::Read, &key, None, subject).is_ok()
    };
    assert!(may("market", BLUE));
    assert!(!may("harbour", BLUE), "not its own");
    assert!(!may("meadow", Subject { namespace: Some("meadow"), name: "blue" }), "not one of these");
}
