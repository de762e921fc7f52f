use serde_json::{Value, json};

use super::RULES;
use crate::validate::ManagementCenterRules;
use crate::validate::cases::{Case, begin_with, check, violations, warnings};

fn ldap(ldap: Value) -> Value {
    json!({"securityProvider": {"ldap": ldap}})
}

#[test]
fn each_rule_refuses_what_breaks_it_and_admits_its_neighbour() {
    let cluster = |secret: &str| json!({"hazelcastClusters": [{"address": "a", "tls": {"secretName": secret}}]});
    let path = |path: &str| json!({"externalConnectivity": {"ingress": {"hostname": "h", "path": path}}});
    let cases = [
        Case("MC-02", cluster(""), &["spec.hazelcastClusters.tls.secretName: Not found: "], cluster("s")),
        Case(
            "MC-04",
            ldap(json!({"credentialsSecretName": ""})),
            &["spec.securityProviders.ldap.credentialsSecretName: Not found: "],
            ldap(json!({"credentialsSecretName": "s"})),
        ),
        Case("MC-06", path("mc"), &[r#"spec.externalConnectivity.ingress.path: Invalid value: "mc": "#], path("/mc")),
        Case(
            "MC-N01",
            json!({"env": [{"name": ""}]}),
            &["spec.env[0].name: Required value: "],
            json!({"env": [{"name": "HZ_A"}]}),
        ),
        Case(
            "MC-N02",
            ldap(json!({"credentialsSecretName": "s", "url": "ldaps://a", "tls": {"secretName": "t"}})),
            &["spec.securityProvider.ldap.tls.startTLS: Forbidden: "],
            ldap(json!({"credentialsSecretName": "s", "url": "ldap://a", "tls": {"secretName": "t"}})),
        ),
    ];
    check::<ManagementCenterRules>(&cases, &RULES.iter().map(|(rule, _)| *rule).collect::<Vec<_>>());
}

#[test]
fn a_default_one_is_admitted_without_a_warning() {
    assert_eq!(violations::<ManagementCenterRules>(&json!({})), Vec::<String>::new());
    assert_eq!(warnings::<ManagementCenterRules>(&json!({})), Vec::<String>::new());
}

#[test]
fn without_an_external_connectivity_nothing_is_asked_of_it() {
    assert_eq!(violations::<ManagementCenterRules>(&json!({"externalConnectivity": null})), Vec::<String>::new());
}

#[test]
fn what_is_allowed_and_unwise_is_warned_of() {
    let modules = |more: Value| {
        let mut spec = json!({"moduleDeployment": {"bucketConfigs": [{"bucketURI": "s3://jars", "secretName": "s"}]}});
        spec.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        spec
    };
    let cases: [(Value, &[&str]); 6] = [
        (json!({"persistence": {"enabled": false}}), &["spec.persistence.enabled: its data is in an empty directory"]),
        (
            json!({"persistence": {"existingVolumeClaimName": "a", "storageClass": "b"}}),
            &["spec.persistence.storageClass: has no effect"],
        ),
        (
            json!({"hazelcastClusters": [{"address": "a"}, {"address": "b"}]}),
            &["spec.hazelcastClusters[1].name: another cluster of this list is named dev too"],
        ),
        (
            ldap(json!({"credentialsSecretName": "s", "url": "ldap://a"})),
            &["spec.securityProvider.ldap.url: passwords go"],
        ),
        (modules(json!({})), &["spec.moduleDeployment.bucketConfigs[].secretName: the pod reads these Secrets itself"]),
        (modules(json!({"serviceAccountName": "me"})), &[]),
    ];
    for (spec, expected) in cases {
        let found = warnings::<ManagementCenterRules>(&spec);
        let found: Vec<_> = found.into_iter().filter(|warning| !warning.contains("not acted on yet")).collect();
        begin_with(&found, expected, &spec.to_string());
    }
}

#[test]
fn what_nobody_knows_how_to_tell_a_management_center_is_said_to_be_left_out() {
    let with = |field: &str, value: Value| {
        let mut directory = json!({"credentialsSecretName": "s", "url": "ldap://a"});
        directory[field] = value;
        let found = warnings::<ManagementCenterRules>(&ldap(directory));
        found.into_iter().filter(|warning| warning.contains("not acted on yet")).collect::<Vec<_>>()
    };
    let tls = |start: bool| json!({"secretName": "t", "startTLS": start});
    begin_with(&with("tls", tls(true)), &["spec.securityProvider.ldap.tls.startTLS: not acted on yet"], "startTLS");
    begin_with(&with("tls", tls(false)), &[], "ldaps");
    begin_with(
        &with("nestedGroupSearch", true.into()),
        &["spec.securityProvider.ldap.nestedGroupSearch: not acted on yet"],
        "nested groups",
    );
}
