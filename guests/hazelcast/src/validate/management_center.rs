//! Rules for a Management Center.

use filbert_guest::Violation;
use hazelcast_api::management_center::{Ldap, Spec};
use hazelcast_api::shapes::{Bucket, MutualAuthentication};

use super::{Rule, when};

/// All of them. Some paths are not quite those of the fields: they are the ones that people know.
pub(super) const RULES: &[Rule<Spec>] = &[
    ("MC-02", certificates_have_a_secret),
    ("MC-04", a_directory_has_credentials),
    ("MC-06", the_path_is_absolute),
    ("MC-N01", |spec| super::variables_have_names("spec.env", &spec.env)),
    ("MC-N02", connections_are_encrypted_once),
];

/// MC-02.
fn certificates_have_a_secret(spec: &Spec) -> Vec<Violation> {
    let without = spec.hazelcast_clusters.iter().any(|cluster| {
        // A block in which nothing is said is no block.
        cluster.tls.as_ref().is_some_and(|tls| tls.secret_name.is_empty())
    });
    when(without, || {
        Violation::not_found("spec.hazelcastClusters.tls.secretName", "", "name the Secret with the certificates")
    })
}

fn ldap(spec: &Spec) -> Option<&Ldap> {
    spec.security_provider.as_ref().and_then(|provider| provider.ldap.as_ref())
}

/// MC-04.
fn a_directory_has_credentials(spec: &Spec) -> Vec<Violation> {
    let path = "spec.securityProviders.ldap.credentialsSecretName";
    when(ldap(spec).is_some_and(|ldap| ldap.credentials_secret_name.is_empty()), || {
        Violation::not_found(path, "", "name the Secret with the credentials")
    })
}

/// MC-06.
fn the_path_is_absolute(spec: &Spec) -> Vec<Violation> {
    let ingress = spec.external_connectivity.as_ref().and_then(|external| external.ingress.as_ref());
    let relative = ingress.filter(|ingress| !ingress.path.starts_with('/'));
    let path = "spec.externalConnectivity.ingress.path";
    relative.map(|ingress| Violation::invalid(path, ingress.path.as_str(), "must begin with /")).into_iter().collect()
}

fn connections_are_encrypted_once(spec: &Spec) -> Vec<Violation> {
    let twice = ldap(spec)
        .is_some_and(|ldap| ldap.url.starts_with("ldaps:") && ldap.tls.as_ref().is_some_and(|tls| tls.start_tls));
    when(twice, || Violation::forbidden("spec.securityProvider.ldap.tls.startTLS", "cannot be used with an ldaps URL"))
}

/// What is allowed and unwise.
pub(super) fn warnings(spec: &Spec) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |path: &str, set: bool, message: &str| {
        if set {
            warnings.push(format!("{path}: {message}"));
        }
    };
    let persistence = spec.persistence.as_ref();
    let empty_dir = persistence.is_none_or(|persistence| !persistence.enabled);
    let message = "its data is in an empty directory of the pod: users, connections and metrics go with it";
    warn("spec.persistence.enabled", empty_dir, message);
    let made = persistence.filter(|persistence| {
        persistence.existing_volume_claim_name.as_ref().is_some_and(|name| !name.is_empty())
            && persistence.storage_class.as_ref().is_some_and(|name| !name.is_empty())
    });
    let message = "has no effect with existingVolumeClaimName";
    warn("spec.persistence.storageClass", made.is_some(), message);
    let plain = ldap(spec).is_some_and(|ldap| ldap.tls.is_none() && ldap.url.starts_with("ldap:"));
    let message = "passwords go to the directory as plain text; use an ldaps URL";
    warn("spec.securityProvider.ldap.url", plain, message);
    let mutual = spec
        .hazelcast_clusters
        .iter()
        .any(|cluster| cluster.tls.as_ref().is_some_and(|tls| tls.mutual_authentication != MutualAuthentication::None));
    warn("spec.hazelcastClusters[].tls.mutualAuthentication", mutual, "deprecated; use clientAuthentication");
    let bucket = spec.module_deployment.as_ref().is_some_and(|modules| modules.bucket_config.is_some());
    warn("spec.moduleDeployment.bucketConfig", bucket, "deprecated; use bucketConfigs");
    let has_account = spec.service_account_name.as_ref().is_some_and(|name| !name.is_empty());
    let message = "the pod reads these Secrets itself: name an account that may, in serviceAccountName";
    warn("spec.moduleDeployment.bucketConfigs[].secretName", names_secrets(spec) && !has_account, message);
    let clusters = &spec.hazelcast_clusters;
    // Client configurations are kept by the name of their cluster.
    let again = |index: usize, name: &str| clusters.iter().take(index).any(|before| before.name == name);
    for (index, cluster) in clusters.iter().enumerate().filter(|(index, cluster)| again(*index, &cluster.name)) {
        let message = format!("another cluster of this list is named {} too; the last one counts", cluster.name);
        warn(&format!("spec.hazelcastClusters[{index}].name"), true, &message);
    }
    warnings
}

/// Whether jars come from buckets for which one needs credentials.
fn names_secrets(spec: &Spec) -> bool {
    let Some(modules) = &spec.module_deployment else { return false };
    let several = modules.bucket_configs.iter().filter_map(|bucket| bucket.secret_name.as_deref());
    modules.bucket_config.iter().filter_map(Bucket::secret).chain(several).any(|name| !name.is_empty())
}

#[cfg(test)]
mod tests;
