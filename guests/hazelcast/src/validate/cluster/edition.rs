//! Rules about what open source members can do.

use filbert_guest::Violation;
use hazelcast_api::hazelcast::Spec;

use crate::edition::{Edition, Members};

/// Features with which an open source member does not start.
pub(super) fn open_source_has_no_enterprise_features(spec: &Spec) -> Vec<Violation> {
    if Members::of(spec).edition == Edition::Enterprise || spec.repository.as_deref().is_some_and(is_unknown) {
        return Vec::new();
    }
    let features = [
        ("spec.persistence", spec.persistence.is_some()),
        ("spec.cpSubsystem", spec.cp_subsystem.is_some()),
        ("spec.tls", spec.tls.is_some()),
        ("spec.userCodeNamespaces", spec.user_code_namespaces.is_some()),
        ("spec.sql.catalogPersistenceEnabled", spec.sql.as_ref().is_some_and(|sql| sql.catalog_persistence_enabled)),
        ("spec.security", spec.security.is_some()),
    ];
    let message = "needs the enterprise edition: name a licence in spec.licenseKeySecretName";
    features.into_iter().filter(|(_, used)| *used).map(|(path, _)| Violation::forbidden(path, message)).collect()
}

/// An image of somebody's own may hold enterprise members whatever it is called.
fn is_unknown(repository: &str) -> bool {
    !repository.ends_with("hazelcast/hazelcast")
}
