use filbert_guest::k8s::Secret;
use filbert_guest::{Plan, Status};
use serde_json::{Value, json};

use super::super::{STORAGE_CLASSES, says_nothing};
use super::*;

fn run(cx: &Context<Hazelcast>) -> Plan {
    ClusterReferences::run(cx).expect("a plan")
}

fn cx(spec: &Value) -> Context<Hazelcast> {
    Context::test("library", json!({"spec": spec}))
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "default"}})
}

/// What is said, whether it is waited for, and that nothing is said once a Secret of this name is there.
#[track_caller]
fn names_secret(spec: &Value, name: &str, expected: &str, waits: bool) {
    let plan = run(&cx(spec));
    // As it stands in the condition.
    let expected = format!("{expected:?}");
    assert!(format!("{plan:?}").contains(expected.trim_end_matches('"')), "{plan:?}");
    assert_eq!(plan.waits_for().is_some(), waits, "{spec}");
    let phase = plan.status_fragment().and_then(|status| status.get("phase").cloned());
    assert_eq!(phase, waits.then(|| json!("Failed")));
    assert_eq!(plan.conditions(), [("ReferencesResolved", Status::False, "ReferencesMissing")]);
    says_nothing(&run(&cx(spec).with(Secret::TYPE, named(name))));
}

#[test]
fn nothing_named_is_nothing_missing() {
    says_nothing(&run(&cx(&json!({}))));
}

#[test]
fn secrets_that_are_missing_are_named_and_waited_for_where_nothing_else_would_wait() {
    for (spec, expected, waits) in [
        (json!({"licenseKeySecretName": "one"}), r#"spec.licenseKeySecretName: Not found: "one": "#, false),
        (json!({"licenseKeySecret": "one"}), r#"spec.licenseKeySecretName: Not found: "one": "#, false),
        (json!({"tls": {"secretName": "one"}}), r#"spec.tls.secretName: Not found: "one": "#, false),
        (
            json!({"jet": {"bucketConfig": {"bucketURI": "s3://jobs", "secretName": "one"}}}),
            "spec.jet.bucketConfig.secretName: Required value: one: no Secret of this namespace has this name",
            false,
        ),
        // The earlier name counts as much.
        (
            json!({"jet": {"bucketConfig": {"bucketURI": "s3://jobs", "secret": "one"}}}),
            "spec.jet.bucketConfig.secretName: Required value: ",
            false,
        ),
        (
            json!({"jet": {"bucketConfigs": [{"bucketURI": "s3://jobs"}, {"bucketURI": "s3://more", "secretName": "one"}]}}),
            "spec.jet.bucketConfigs[1].secretName: Required value: ",
            false,
        ),
        (json!({"customConfigSecretName": "one"}), r#"spec.customConfigSecretName: Not found: "one": "#, true),
        (
            json!({"discovery": {"apiToken": {"name": "one", "key": "token"}}}),
            r#"spec.discovery.apiToken.name: Not found: "one": "#,
            true,
        ),
        (
            json!({"security": {"operatorClientSecretName": "one", "realms": [{"name": "r", "authentication": {"simple": {"users": [{"secretName": "one"}]}}}]}}),
            r#"spec.security.operatorClientSecretName: Not found: "one": no Secret of this namespace has this name; spec.security.realms[0].authentication.simple.users[0].secretName: Not found: "one": "#,
            true,
        ),
    ] {
        names_secret(&spec, "one", expected, waits);
    }
}

#[test]
fn a_bucket_is_nobodys_business_where_jobs_do_not_run() {
    let spec = json!({"jet": {"enabled": false, "bucketConfig": {"bucketURI": "s3://jobs", "secretName": "one"}}});
    says_nothing(&run(&cx(&spec)));
}

#[test]
fn a_custom_configuration_must_be_there_under_its_key_and_be_a_mapping() {
    let spec = json!({"customConfigCmName": "more"});
    let with = |data: Value| {
        let mut map = named("more");
        map["data"] = data;
        run(&cx(&spec).with(ConfigMap::TYPE, map))
    };
    let path = r#"spec.customConfigCmName: Not found: "more": "#;
    for (plan, expected) in [
        (run(&cx(&spec)), "no ConfigMap of this namespace has this name"),
        (with(json!({"other": "a: b", "more": "a: b"})), "the ConfigMap has no key `hazelcast`"),
        (with(json!({"hazelcast": "- a"})), "key `hazelcast` of the ConfigMap holds no YAML mapping"),
    ] {
        assert_eq!(plan.waits_for(), Some(("ReferencesMissing", format!("{path}{expected}").as_str())));
    }
    for key in ["hazelcast", "mine.yaml"] {
        says_nothing(&with(json!({key: "map:\n  default: {}\n"})));
    }
}

#[test]
fn how_a_text_begins_tells_whether_it_is_a_mapping() {
    for text in [
        "",
        "# nothing\n",
        "a: b",
        "\n---\na:\n  - b",
        "{a: b}",
        "\"a: b\": c",
        "'a' : b",
        "%YAML 1.2\n---\na: 1",
        "? a\n: b",
    ] {
        assert!(is_mapping(text), "{text}");
    }
    for text in ["a", "- a", "[a]", "\"a: b\"", "a:b", "--- a", "-"] {
        assert!(!is_mapping(text), "{text}");
    }
}

#[test]
fn a_backup_must_have_been_made() {
    let spec = json!({"persistence": {"restore": {"hotBackupResourceName": "monday"}}});
    let path = "spec.persistence.restore.hotBackupResourceName";
    let backup = |state: &str| {
        let mut backup = named("monday");
        backup["status"] = json!({"state": state});
        run(&cx(&spec).with_served(HOT_BACKUPS).with(HOT_BACKUPS, backup))
    };
    for (plan, expected) in [
        (run(&cx(&spec)), format!("{path}: Not found: \"monday\": no HotBackup of this namespace has this name")),
        (
            run(&cx(&spec).with_served(HOT_BACKUPS)),
            format!("{path}: Not found: \"monday\": no HotBackup of this namespace has this name"),
        ),
        (
            backup("Pending"),
            format!("{path}: Invalid value: \"monday\": the HotBackup has not been made: its state is Pending"),
        ),
    ] {
        assert_eq!(plan.waits_for(), Some(("ReferencesMissing", expected.as_str())));
    }
    says_nothing(&backup("Success"));
}

#[test]
fn what_else_pods_wait_for_by_themselves_is_only_said() {
    for spec in [
        json!({"persistence": {"pvc": {"storageClassName": "fast"}}}),
        json!({"serviceAccountName": "mine"}),
        json!({"jet": {"configMaps": ["jobs"]}}),
        json!({"imagePullSecrets": [{"name": "registry"}]}),
        json!({"moduleDeployment": {"bucketConfigs": [{"bucketURI": "s3://jars", "secretName": "s"}]}}),
    ] {
        let plan = run(&cx(&spec));
        assert_eq!(plan.waits_for(), None, "{spec}");
        assert_eq!(plan.status_fragment().and_then(|status| status.get("phase").cloned()), None, "{spec}");
        assert_eq!(plan.conditions(), [("ReferencesResolved", Status::False, "ReferencesMissing")], "{spec}");
    }
    let spec = json!({"persistence": {"pvc": {"storageClassName": "fast"}}});
    let class = json!({"metadata": {"name": "fast"}});
    says_nothing(&run(&cx(&spec).with(STORAGE_CLASSES, class)));
}

#[test]
fn what_was_said_before_is_taken_back_when_it_is_no_longer_so() {
    let said = json!({"conditions": [
        {"type": "ReferencesResolved", "status": "False"}, {"type": "ChangesAccepted", "status": "False"},
    ]});
    let plan = run(&cx(&json!({})).with_status(&said));
    let fine = |type_| (type_, Status::True, "NothingWrong");
    assert_eq!(plan.conditions(), [fine("ReferencesResolved"), fine("ChangesAccepted")]);
    let plan = run(&cx(&json!({"licenseKeySecretName": "one"})).with_status(&said));
    let missing = ("ReferencesResolved", Status::False, "ReferencesMissing");
    assert_eq!(plan.conditions(), [missing, fine("ChangesAccepted")]);
}

#[test]
fn the_certificate_of_agents_is_missed_where_there_are_agents() {
    let spec = json!({"agent": {}});
    names_secret(&spec, "hazelcast-agent-cert", r#"spec.agent: Not found: "hazelcast-agent-cert": "#, false);
}
