//! What a specification refers to by name: Secrets and `ConfigMap`s that somebody else makes.

use filbert_guest::k8s::{ConfigMap, Secret};
use filbert_guest::{Condition, Context, ReadError, Resource, ResourceType, Status};
use hazelcast_api::Hazelcast;
use hazelcast_api::shapes::Bucket;

use crate::edition::licence;

/// A place in the specification, and what it names.
pub(super) type Reference<'a> = (&'static str, ResourceType, &'a str);

/// Everything that a cluster refers to.
pub(super) fn of_cluster(cluster: &Hazelcast) -> Vec<Reference<'_>> {
    let spec = &cluster.spec;
    let code = spec.user_code_deployment.as_ref();
    let restore = spec.persistence.as_ref().and_then(|persistence| persistence.restore.as_ref());
    let licence = licence(spec.license_key_secret_name.as_deref(), spec.license_key_secret.as_deref());
    let buckets = [
        (
            "spec.moduleDeployment.bucketConfig.secretName",
            spec.module_deployment.as_ref().and_then(|modules| modules.bucket_config.as_ref()),
        ),
        ("spec.jet.bucketConfig.secretName", spec.jet.bucket_config.as_ref()),
        ("spec.userCodeDeployment.bucketConfig.secretName", code.and_then(|code| code.bucket_config.as_ref())),
        (
            "spec.persistence.restore.bucketConfig.secretName",
            restore.and_then(|restore| restore.bucket_config.as_ref()),
        ),
    ];
    let secrets = [
        ("spec.licenseKeySecretName", licence),
        ("spec.tls.secretName", spec.tls.as_ref().map(|tls| tls.secret_name.as_str())),
    ];
    let modules = spec.module_deployment.as_ref();
    let lists = [
        ("spec.jet.bucketConfigs", Some(&spec.jet.bucket_configs)),
        ("spec.userCodeDeployment.bucketConfigs", code.map(|code| &code.bucket_configs)),
        ("spec.moduleDeployment.bucketConfigs", modules.map(|modules| &modules.bucket_configs)),
    ];
    let lists = lists
        .into_iter()
        .flat_map(|(path, list)| list.into_iter().flatten().map(move |bucket| (path, bucket.secret_name.as_deref())));
    let secrets =
        secrets.into_iter().chain(lists).chain(buckets.map(|(path, bucket)| (path, bucket.and_then(Bucket::secret))));
    let config_maps = spec.jet.config_maps.iter().map(|name| ("spec.jet.configMaps", name));
    let code = code.into_iter().flat_map(|code| &code.config_maps);
    let modules = modules.into_iter().flat_map(|modules| &modules.config_maps);
    let config_maps = config_maps
        .chain(code.map(|name| ("spec.userCodeDeployment.configMaps", name)))
        .chain(modules.map(|name| ("spec.moduleDeployment.configMaps", name)));
    secrets
        .filter_map(|(path, name)| Some((path, Secret::TYPE, name.filter(|name| !name.is_empty())?)))
        .chain(config_maps.map(|(path, name)| (path, ConfigMap::TYPE, name.as_str())))
        .collect()
}

/// A sentence for each that is not there. The step runs again when it comes, or goes.
pub(super) fn missing<R: Resource>(cx: &Context<R>, references: &[Reference<'_>]) -> Result<Vec<String>, ReadError> {
    let mut missing = Vec::new();
    for (path, resource, name) in references {
        if !cx.read(*resource, *name).exists()? {
            let kind = if *resource == Secret::TYPE { "Secret" } else { "ConfigMap" };
            missing.push(format!("{path}: there is no {kind} {name}"));
        }
    }
    Ok(missing)
}

/// Whether everything is there that the specification refers to, and is of use.
pub(super) fn condition(problems: &[String]) -> Condition {
    if problems.is_empty() {
        return Condition::new("ReferencesFound", Status::True, "AllFound", "");
    }
    Condition::new("ReferencesFound", Status::False, "Missing", problems.join("; "))
}
