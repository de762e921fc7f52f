//! What a Management Center names.

use filbert_guest::{Context, Step, StepResult, Violation};
use hazelcast_api::ManagementCenter;

use super::{Names, ROUTES, refuse};
use crate::edition;
use crate::validate::accepted::{Acceptance, accept_management_center};

/// Whether what a Management Center names is there.
pub struct ManagementCenterReferences;

impl Step for ManagementCenterReferences {
    type Resource = ManagementCenter;
    const NAME: &'static str = "management-center-references";
    const SUMMARY: &'static str = "waits for what the specification names";

    fn run(cx: &Context<ManagementCenter>) -> StepResult {
        let spec = &cx.object().spec;
        let accepted = match accept_management_center(cx) {
            Acceptance::Accepted(accepted) => accepted,
            Acceptance::Refused(violations) => return Ok(refuse(&violations)),
        };
        let mut names = Names::new(cx.namespace());
        // MC-01.
        let route = spec.external_connectivity.as_ref().and_then(|external| external.route.as_ref());
        if route.is_some() && !cx.serves(ROUTES) {
            let message = "there are Routes on OpenShift only";
            names.wrong.push(Violation::forbidden("spec.externalConnectivity.route", message));
        }
        let ingress = spec.external_connectivity.as_ref().and_then(|external| external.ingress.as_ref());
        let certificate = ingress.and_then(|ingress| ingress.tls_secret_name.as_deref());
        names.wants_secret("spec.externalConnectivity.ingress.tlsSecretName", certificate);
        for (index, cluster) in spec.hazelcast_clusters.iter().enumerate() {
            // MC-03. The path is the one that people know.
            let tls = cluster.tls.as_ref().map(|tls| tls.secret_name.as_str());
            names.wants_secret("spec.hazelcastClusters.tls.secretName", tls);
            let user = cluster.security.as_ref().and_then(|security| security.client_secret_name.as_deref());
            names.wants_secret(format!("spec.hazelcastClusters[{index}].security.clientSecretName"), user);
        }
        let ldap = spec.security_provider.as_ref().and_then(|provider| provider.ldap.as_ref());
        // MC-05. As MC-03.
        let credentials = ldap.map(|ldap| ldap.credentials_secret_name.as_str());
        names.wants_secret("spec.securityProviders.ldap.credentialsSecretName", credentials);
        let tls = ldap.and_then(|ldap| ldap.tls.as_ref()).map(|tls| tls.secret_name.as_str());
        names.wants_secret("spec.securityProvider.ldap.tls.secretName", tls);
        let metrics = spec.prometheus_monitoring.as_ref();
        let credentials = metrics.and_then(|metrics| metrics.credentials_secret_name.as_deref());
        names.wants_secret("spec.prometheusMonitoring.credentialsSecretName", credentials);
        // Existing operators do not look for the licence here.
        let licence = edition::licence(spec.license_key_secret_name.as_deref(), spec.license_key_secret.as_deref());
        names.wants_secret("spec.licenseKeySecretName", licence);
        names.wants_pull_secrets(&spec.image_pull_secrets);
        if let Some(persistence) = spec.persistence.as_ref().filter(|persistence| persistence.enabled) {
            let claim = persistence.existing_volume_claim_name.as_deref();
            names.wants_claim("spec.persistence.existingVolumeClaimName", claim);
            names.wants_class("spec.persistence.storageClass".to_owned(), persistence.storage_class.as_deref());
        }
        names.wants_modules(spec.module_deployment.as_ref());
        names.wants_account(spec.service_account_name.as_deref());
        Ok(names.resolve(cx, &accepted)?)
    }
}

#[cfg(test)]
mod tests {
    use filbert_guest::k8s::Secret;
    use filbert_guest::{Plan, Status};
    use serde_json::{Value, json};

    use super::super::says_nothing;
    use super::*;

    fn run(spec: Value, secrets: &[&str]) -> Plan {
        let cx = Context::test("tower", json!({"spec": spec}));
        let cx = secrets
            .iter()
            .fold(cx, |cx, name| cx.with(Secret::TYPE, json!({"metadata": {"name": name, "namespace": "default"}})));
        ManagementCenterReferences::run(&cx).expect("a plan")
    }

    fn waits(plan: &Plan) -> &str {
        plan.waits_for().map_or("", |(_, message)| message)
    }

    #[test]
    fn routes_are_for_openshift() {
        let spec = json!({"externalConnectivity": {"route": {"hostname": ""}}});
        let plan = run(spec.clone(), &[]);
        assert!(waits(&plan).starts_with("spec.externalConnectivity.route: Forbidden: "), "{plan:?}");
        let cx = Context::test("tower", json!({"spec": spec})).with_served(ROUTES);
        says_nothing(&ManagementCenterReferences::run(&cx).expect("a plan"));
    }

    #[test]
    fn certificates_and_credentials_that_are_missing_are_named() {
        let spec = json!({
            "hazelcastClusters": [{"address": "a", "tls": {"secretName": "tls"}}],
            "securityProvider": {"ldap": {"credentialsSecretName": "ldap"}},
        });
        let plan = run(spec.clone(), &[]);
        let expected = concat!(
            r#"spec.hazelcastClusters.tls.secretName: Not found: "tls": no Secret of this namespace has this name; "#,
            r#"spec.securityProviders.ldap.credentialsSecretName: Not found: "ldap": no Secret of this namespace has this name"#,
        );
        assert!(format!("{plan:?}").contains(&format!("{expected:?}")), "{plan:?}");
        assert_eq!(plan.waits_for(), None);
        assert_eq!(plan.conditions(), [("ReferencesResolved", Status::False, "ReferencesMissing")]);
        says_nothing(&run(spec, &["tls", "ldap"]));
    }

    #[test]
    fn a_licence_that_is_missing_is_said_and_not_waited_for() {
        let plan = run(json!({"licenseKeySecretName": "key"}), &[]);
        assert_eq!(plan.waits_for(), None);
        assert_eq!(plan.conditions(), [("ReferencesResolved", Status::False, "ReferencesMissing")]);
    }
}
