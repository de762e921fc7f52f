//! What is filled in. Plain defaults are in the schema; here are those that depend on other fields.

use filbert_guest::{Defaulting, Defaults, Resource, ResourceType, Review};
use hazelcast_api::hazelcast::ManagementCenterAccess;
use serde::Deserialize;

use crate::edition::{ENTERPRISE_REPOSITORY, Edition, OPEN_SOURCE_REPOSITORY, licence};

/// As much of a resource as decides what is filled in; what else is in it need not be read twice.
macro_rules! deciding {
    ($(#[$doc:meta])* $name:ident of $whole:ty: $spec:ident { $($field:ident: $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Default, Deserialize)]
        #[serde(default)]
        pub struct $name {
            spec: $spec,
        }

        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct $spec {
            $($field: Option<$type>,)+
        }

        impl Resource for $name {
            const TYPE: ResourceType = <$whole>::TYPE;
            const KIND: &str = <$whole>::KIND;
        }
    };
}

deciding!(
    /// What decides of a `Hazelcast`.
    Cluster of hazelcast_api::Hazelcast: ClusterSpec {
    license_key_secret_name: String,
    license_key_secret: String,
    repository: String,
    management_center: ManagementCenterAccess,
});
deciding!(
    /// What decides of a `ManagementCenter`.
    Center of hazelcast_api::ManagementCenter: CenterSpec {
    license_key_secret_name: String,
    license_key_secret: String,
});

/// Fills in what people left out of a `Hazelcast`.
pub struct HazelcastDefaults;

impl Defaulting for HazelcastDefaults {
    type Resource = Cluster;

    fn default(review: &Review<Cluster>, defaults: &mut Defaults) {
        let spec = &review.object().spec;
        move_licence(spec.license_key_secret_name.as_deref(), spec.license_key_secret.as_deref(), defaults);
        for endpoint in ["memberServerSocketEndpointConfig", "clientServerSocketEndpointConfig"] {
            remove_empty(defaults, &[&format!("advancedNetwork.{endpoint}")]);
        }
        remove_empty(
            defaults,
            &["scheduling", "resources", "agent.resources", "userCodeDeployment", "advancedNetwork"],
        );
        remove_empty_tls(defaults, "spec.tls");
        if spec.management_center.as_ref().is_some_and(|access| *access == ManagementCenterAccess::default()) {
            defaults.remove("spec.managementCenter");
        }
        image(review, defaults);
    }
}

/// Fills in what people left out of a `ManagementCenter`.
pub struct ManagementCenterDefaults;

impl Defaulting for ManagementCenterDefaults {
    type Resource = Center;

    fn default(review: &Review<Center>, defaults: &mut Defaults) {
        let spec = &review.object().spec;
        move_licence(spec.license_key_secret_name.as_deref(), spec.license_key_secret.as_deref(), defaults);
        remove_empty(defaults, &["scheduling", "resources"]);
        defaults.each("spec.hazelcastClusters", |cluster| remove_empty_tls(cluster, "tls"));
    }
}

/// The earlier name of the licence becomes the present one.
fn move_licence(name: Option<&str>, earlier: Option<&str>, defaults: &mut Defaults) {
    if name.is_none_or(str::is_empty)
        && let Some(earlier) = earlier.filter(|earlier| !earlier.is_empty())
    {
        defaults.replace("spec.licenseKeySecretName", earlier).remove("spec.licenseKeySecret");
    }
}

/// Blocks in which nothing is said mean the same as no block.
fn remove_empty(defaults: &mut Defaults, fields: &[&str]) {
    for field in fields {
        let path = format!("spec.{field}");
        if defaults.get(&path).and_then(|value| value.as_object()).is_some_and(serde_json::Map::is_empty) {
            defaults.remove(&path);
        }
    }
}

/// A block for certificates that names none and asks clients for none is no block.
fn remove_empty_tls(defaults: &mut Defaults, path: &str) {
    let Some(tls) = defaults.get(path).filter(|tls| tls.is_object()) else { return };
    let text = |field: &str| tls.get(field).and_then(|value| value.as_str());
    let says_nothing = |field: &str| text(field).is_none_or(|said| said.is_empty() || said == "None");
    let modes = ["mutualAuthentication", "clientAuthentication"].into_iter().all(says_nothing);
    let others = ["memberAuthentication", "keyMaterialDuration"].into_iter().any(|field| text(field).is_some());
    if text("secretName").is_none_or(str::is_empty) && modes && !others {
        defaults.remove(path);
    }
}

/// Repository and version follow from the edition and are written down, so that members do not change with the operator.
fn image(review: &Review<Cluster>, defaults: &mut Defaults) {
    let spec = &review.object().spec;
    let licence = licence(spec.license_key_secret_name.as_deref(), spec.license_key_secret.as_deref());
    let edition = Edition::of(licence, spec.repository.as_deref());
    if licence.is_some() && spec.repository.as_deref() == Some(OPEN_SOURCE_REPOSITORY) {
        // Open source members would ignore the licence.
        defaults.replace("spec.repository", ENTERPRISE_REPOSITORY);
    }
    defaults.set("spec.repository", edition.repository()).set("spec.version", edition.version());
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn defaulted<D: Defaulting>(spec: &Value) -> Value {
        let object = json!({"spec": spec});
        let once = Defaults::test::<D>("library", &object);
        assert_eq!(Defaults::test::<D>("library", &once), once, "defaulting is idempotent");
        once["spec"].clone()
    }

    #[test]
    fn nothing_said_gives_open_source_members() {
        assert_eq!(
            defaulted::<HazelcastDefaults>(&json!({})),
            json!({"repository": "docker.io/hazelcast/hazelcast", "version": "5.7.0"})
        );
    }

    #[test]
    fn a_licence_gives_enterprise_members() {
        assert_eq!(
            defaulted::<HazelcastDefaults>(&json!({"licenseKeySecretName": "key"})),
            json!({"licenseKeySecretName": "key", "repository": "docker.io/hazelcast/hazelcast-enterprise", "version": "5.7.1"})
        );
    }

    #[test]
    fn a_licence_beside_the_open_source_repository_makes_it_the_enterprise_one() {
        let spec =
            json!({"licenseKeySecretName": "key", "repository": "docker.io/hazelcast/hazelcast", "version": "5.6.0"});
        let spec = defaulted::<HazelcastDefaults>(&spec);
        assert_eq!(spec["repository"], "docker.io/hazelcast/hazelcast-enterprise");
        assert_eq!(spec["version"], "5.6.0");
    }

    #[test]
    fn the_earlier_name_of_the_licence_becomes_the_present_one() {
        for spec in [
            defaulted::<HazelcastDefaults>(&json!({"licenseKeySecret": "key"})),
            defaulted::<ManagementCenterDefaults>(&json!({"licenseKeySecret": "key"})),
        ] {
            assert_eq!(spec["licenseKeySecretName"], "key");
            assert_eq!(spec.get("licenseKeySecret"), None);
        }
    }

    #[test]
    fn empty_blocks_go_and_blocks_with_empty_lists_stay() {
        let spec = defaulted::<HazelcastDefaults>(&json!({
            "scheduling": {"tolerations": []}, "resources": {}, "userCodeDeployment": {}, "agent": {"resources": {}},
            "advancedNetwork": {"memberServerSocketEndpointConfig": {}}, "managementCenter": {"scriptingEnabled": false},
            "tls": {"secretName": "", "mutualAuthentication": "None"},
        }));
        assert_eq!(spec["scheduling"], json!({"tolerations": []}));
        assert_eq!(spec["agent"], json!({}));
        for gone in ["resources", "advancedNetwork", "userCodeDeployment", "tls", "managementCenter"] {
            assert_eq!(spec.get(gone), None, "{gone}");
        }
    }

    #[test]
    fn certificates_without_a_secret_that_clients_must_show_stay_for_validation_to_refuse() {
        let tls = json!({"secretName": "", "mutualAuthentication": "Required"});
        assert_eq!(defaulted::<HazelcastDefaults>(&json!({"tls": tls}))["tls"], tls);
    }

    #[test]
    fn empty_certificates_of_watched_clusters_go() {
        let spec = defaulted::<ManagementCenterDefaults>(&json!({
            "hazelcastClusters": [{"address": "a", "tls": {"secretName": ""}}, {"address": "b", "tls": {"secretName": "s"}}],
        }));
        assert_eq!(spec["hazelcastClusters"], json!([{"address": "a"}, {"address": "b", "tls": {"secretName": "s"}}]));
    }
}
