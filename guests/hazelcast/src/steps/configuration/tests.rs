use serde_json::{Value, json};

use super::*;

fn cluster(spec: Value) -> Context<Hazelcast> {
    Context::test("library", json!({"spec": spec}))
}

fn run(cx: &Context<Hazelcast>) -> Plan {
    Configuration::run(cx).expect("a plan")
}

fn document(plan: &Plan) -> Value {
    let secret = plan.find("Secret", "library").expect("a Secret");
    let bytes = from_base64(secret["data"]["hazelcast.yaml"].as_str().expect("a document")).expect("base64");
    let read: Value = serde_saphyr::from_str(&String::from_utf8(bytes).expect("text")).expect("YAML");
    read["hazelcast"].clone()
}

fn store(plan: &Plan) -> Value {
    plan.find("Secret", "library").expect("a Secret")["data"]["hazelcast.jks"].clone()
}

#[test]
fn the_document_is_a_secret_and_there_is_a_config_map_for_the_init_container() {
    let plan = run(&cluster(json!({"labels": {"team": "blue"}})));
    let secret = plan.find("Secret", "library").expect("a Secret");
    assert_eq!(secret["type"], "Opaque");
    assert_eq!(secret["metadata"]["labels"]["team"], "blue");
    assert!(secret["data"]["hazelcast.yaml"].is_string());
    assert_eq!(store(&plan), Value::Null);
    let init = plan.find("ConfigMap", "library-init").expect("a ConfigMap");
    assert_eq!(init["data"], json!({"config.yaml": "initContainer: {}\n"}));
    assert_eq!(plan.conditions(), [("ReferencesUsable", Status::True, "AllUsable")]);
}

fn secret(name: &str, data: Value) -> Value {
    json!({"metadata": {"name": name}, "data": data})
}

fn encoded(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn encrypted() -> Context<Hazelcast> {
    cluster(json!({"tls": {"secretName": "harbour"}}))
}

#[test]
fn certificates_become_a_key_store_beside_the_document() {
    let (certificate, key) = (crate::keystore::tests::CERTIFICATE, crate::keystore::tests::KEY);
    let data = json!({"tls.crt": encoded(certificate), "tls.key": encoded(key)});
    let plan = run(&encrypted().with(Secret::TYPE, secret("harbour", data)));
    let store = from_base64(store(&plan).as_str().expect("a store")).expect("base64");
    assert_eq!(store, crate::keystore::jks(certificate, key, "").expect("a store"));
    assert_eq!(plan.conditions(), [("ReferencesUsable", Status::True, "AllUsable")]);
}

#[test]
fn certificates_that_are_missing_or_of_no_use_are_named_and_those_of_before_stay() {
    let before = secret("library", json!({"hazelcast.jks": "b2xk"}));
    // That it is not there at all is said by whoever looks for everything that is named.
    let (nothing_to_say, unusable) = ((Status::True, "AllUsable"), (Status::False, "Unusable"));
    let useless = secret("harbour", json!({}));
    #[expect(clippy::useless_vec, reason = "an array of these is too large for the stack")]
    for (cx, kept, said) in vec![
        (encrypted(), Value::Null, nothing_to_say),
        (encrypted().with(Secret::TYPE, before.clone()), json!("b2xk"), nothing_to_say),
        (encrypted().with(Secret::TYPE, before).with(Secret::TYPE, useless.clone()), json!("b2xk"), unusable),
        (encrypted().with(Secret::TYPE, useless), Value::Null, unusable),
    ] {
        let plan = run(&cx);
        assert_eq!(store(&plan), kept);
        assert_eq!(plan.conditions(), [("ReferencesUsable", said.0, said.1)]);
    }
}

fn customised(annotations: Value, data: Value) -> Context<Hazelcast> {
    let map = json!({"metadata": {"name": "mine", "annotations": annotations}, "data": data});
    cluster(json!({"customConfigCmName": "mine"})).with(ConfigMap::TYPE, map)
}

const OWN: &str = "jet:\n  enabled: false\nmetrics:\n  enabled: true\n";

#[test]
fn configuration_of_people_comes_in_below_the_specification() {
    for key in ["hazelcast", "mine.yaml"] {
        let plan = run(&customised(json!({}), json!({key: OWN})));
        let document = document(&plan);
        assert_eq!((&document["jet"]["enabled"], &document["metrics"]["enabled"]), (&json!(true), &json!(true)));
        assert!(plan.conditions().contains(&("CustomConfigurationUsed", Status::False, "SectionsReplaced")));
    }
    let plan = run(&customised(json!({}), json!({"hazelcast": "metrics: {}"})));
    assert!(plan.conditions().contains(&("CustomConfigurationUsed", Status::True, "Merged")));
}

#[test]
fn configuration_of_people_wins_where_they_say_so() {
    let plan = run(&customised(json!({CUSTOM_WINS: "true"}), json!({"hazelcast": OWN})));
    let document = document(&plan);
    assert_eq!(
        (&document["jet"]["enabled"], &document["jet"]["resource-upload-enabled"]),
        (&json!(false), &json!(false))
    );
    assert!(plan.conditions().contains(&("CustomConfigurationUsed", Status::True, "PutOver")));
}

#[test]
fn nothing_is_written_while_the_configuration_of_people_is_of_no_use() {
    for (cx, words) in [
        (cluster(json!({"customConfigCmName": "mine"})), "no ConfigMap mine"),
        (customised(json!({}), json!({"a": "", "b": ""})), "no key hazelcast"),
        (customised(json!({}), json!({"hazelcast": "- a"})), "no mapping"),
    ] {
        let error = Configuration::run(&cx).expect_err("no plan");
        let StepError::Invalid(problem) = error else { panic!("{error:?}") };
        assert_eq!(problem.path.as_deref(), Some("spec.customConfigCmName"));
        assert!(problem.message.contains(words), "{}", problem.message);
    }
}

#[test]
fn data_stays_where_it_is() {
    let early = secret(
        "library",
        json!({"hazelcast.yaml": encoded("hazelcast:\n  persistence:\n    base-dir: /data/persistence\n")}),
    );
    let plan = run(&cluster(json!({"persistence": {}})).with(Secret::TYPE, early));
    assert_eq!(document(&plan)["persistence"]["base-dir"], "/data/persistence");
}

#[test]
fn configuration_of_people_may_lie_in_a_secret() {
    let cx = cluster(json!({"customConfigSecretName": "mine"}))
        .with(Secret::TYPE, secret("mine", json!({"hazelcast": encoded("metrics: {enabled: true}")})));
    assert_eq!(document(&run(&cx))["metrics"]["enabled"], true);
}

#[test]
fn nothing_is_written_without_the_token_by_which_members_find_each_other() {
    let of = || cluster(json!({"discovery": {"apiToken": {"name": "api", "key": "token"}}}));
    let error = Configuration::run(&of()).expect_err("no plan");
    let StepError::Invalid(problem) = error else { panic!("{error:?}") };
    assert_eq!(problem.path.as_deref(), Some("spec.discovery.apiToken"));
    let plan = run(&of().with(Secret::TYPE, secret("api", json!({"token": encoded("abc\n")}))));
    assert_eq!(document(&plan)["advanced-network"]["join"]["kubernetes"]["api-token"], "abc");
}

#[test]
fn nothing_is_written_while_a_password_is_missing() {
    let realm = json!({"name": "people", "authentication": {"simple": {"users": [{"secretName": "ann"}]}}});
    let of = || cluster(json!({"security": {"realms": [realm]}}));
    for cx in [of(), of().with(Secret::TYPE, secret("ann", json!({"username": "YQ=="})))] {
        let error = Configuration::run(&cx).expect_err("no plan");
        let StepError::Invalid(problem) = error else { panic!("{error:?}") };
        assert_eq!(problem.message, "there is no Secret ann with username and password");
    }
    let plan = run(&of().with(Secret::TYPE, secret("ann", json!({"username": "YQ==", "password": "Yg=="}))));
    let user = document(&plan)["security"]["realms"][0]["authentication"]["simple"]["users"][0].clone();
    assert_eq!(user, json!({"username": "a", "password": "b"}));
}

#[test]
fn members_without_data_have_a_document_of_their_own() {
    let spec = json!({"liteMember": {"count": 1}, "persistence": {}, "sql": {"catalogPersistenceEnabled": true, "statementTimeout": 5}});
    let secret = run(&cluster(spec)).find("Secret", "library").expect("a Secret");
    let bytes = from_base64(secret["data"]["hazelcast-lite.yaml"].as_str().expect("a document")).expect("base64");
    let read: Value = serde_saphyr::from_str(&String::from_utf8(bytes).expect("text")).expect("YAML");
    let lite = &read["hazelcast"];
    assert_eq!(lite["lite-member"], json!({"enabled": true}));
    assert_eq!(lite["sql"], json!({"statement-timeout-millis": 5}));
    for kept in ["persistence", "cp-subsystem", "local-device"] {
        assert_eq!(lite[kept], Value::Null, "{kept}");
    }
}
