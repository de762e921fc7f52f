//! Rules for a Management Center.

use filbert_guest::Violation;
use hazelcast_api::management_center::Spec;

/// All of them.
pub(super) const RULES: &[fn(&Spec) -> Vec<Violation>] =
    &[certificates_have_a_secret, directory_has_credentials, path_is_absolute, clusters_have_names_of_their_own];

/// MC-02.
fn certificates_have_a_secret(spec: &Spec) -> Vec<Violation> {
    let clusters = spec.hazelcast_clusters.iter().enumerate();
    let without = clusters.filter(|(_, cluster)| cluster.tls.as_ref().is_some_and(|tls| tls.secret_name.is_empty()));
    without
        .map(|(index, _)| {
            let path = format!("spec.hazelcastClusters[{index}].tls.secretName");
            Violation::not_found(path, "", "name the Secret with the certificates")
        })
        .collect()
}

/// MC-04.
fn directory_has_credentials(spec: &Spec) -> Vec<Violation> {
    let ldap = spec.security_provider.as_ref().and_then(|provider| provider.ldap.as_ref());
    let without = ldap.is_some_and(|ldap| ldap.credentials_secret_name.is_empty());
    let path = "spec.securityProvider.ldap.credentialsSecretName";
    without.then(|| Violation::not_found(path, "", "name the Secret with the credentials")).into_iter().collect()
}

/// MC-06.
fn path_is_absolute(spec: &Spec) -> Vec<Violation> {
    let ingress = spec.external_connectivity.as_ref().and_then(|external| external.ingress.as_ref());
    let relative = ingress.filter(|ingress| !ingress.path.starts_with('/'));
    let path = "spec.externalConnectivity.ingress.path";
    relative.map(|ingress| Violation::invalid(path, ingress.path.as_str(), "must begin with /")).into_iter().collect()
}

/// Client configurations are kept by the name of their cluster.
fn clusters_have_names_of_their_own(spec: &Spec) -> Vec<Violation> {
    let clusters = &spec.hazelcast_clusters;
    let again = clusters
        .iter()
        .enumerate()
        .filter(|(index, cluster)| clusters.iter().take(*index).any(|before| before.name == cluster.name));
    again
        .map(|(index, cluster)| {
            let path = format!("spec.hazelcastClusters[{index}].name");
            Violation::duplicate(path, cluster.name.as_str(), "another cluster of this list has the same name")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use filbert_guest::{Review, Validation};
    use serde_json::{Value, json};

    use crate::validate::ManagementCenterRules;

    fn paths(spec: Value) -> Vec<String> {
        let verdict = ManagementCenterRules::validate(&Review::test("tower", &json!({"spec": spec})));
        verdict.violations.into_iter().map(|violation| violation.path).collect()
    }

    #[test]
    fn admits_a_default_one() {
        assert_eq!(paths(json!({})), Vec::<String>::new());
    }

    #[test]
    fn rejects_certificates_without_a_secret() {
        let spec = json!({"hazelcastClusters": [{"address": "a"}, {"address": "b", "name": "b", "tls": {"secretName": "", "mutualAuthentication": "Required"}}]});
        assert_eq!(paths(spec), ["spec.hazelcastClusters[1].tls.secretName"]);
    }

    #[test]
    fn rejects_a_directory_without_credentials() {
        let spec = json!({"securityProvider": {"ldap": {"credentialsSecretName": ""}}});
        assert_eq!(paths(spec), ["spec.securityProvider.ldap.credentialsSecretName"]);
    }

    #[test]
    fn rejects_a_relative_path() {
        let spec = json!({"externalConnectivity": {"ingress": {"hostname": "h", "path": "mc"}}});
        assert_eq!(paths(spec), ["spec.externalConnectivity.ingress.path"]);
    }

    #[test]
    fn rejects_two_clusters_of_one_name() {
        let spec = json!({"hazelcastClusters": [{"address": "a"}, {"address": "b"}]});
        assert_eq!(paths(spec), ["spec.hazelcastClusters[1].name"]);
    }

    #[test]
    fn warns_of_what_is_ignored() {
        let spec = json!({"securityProvider": {"ldap": {"credentialsSecretName": "s", "nestedGroupSearch": true}}});
        let verdict = ManagementCenterRules::validate(&Review::test("tower", &json!({"spec": spec})));
        assert_eq!(
            verdict.warnings,
            ["spec.securityProvider.ldap.nestedGroupSearch: not acted on yet: groups within groups are not looked at"]
        );
    }
}
