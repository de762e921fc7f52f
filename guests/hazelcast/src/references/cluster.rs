//! What a cluster names.

use std::collections::BTreeMap;

use filbert_guest::k8s::ConfigMap;
use filbert_guest::{Context, ReadError, Step, StepResult, Violation};
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::{Security, Spec};
use hazelcast_api::shapes::LocalReference;
use serde::Deserialize;

use super::{HOT_BACKUPS, Names, refuse};
use crate::edition;
use crate::validate::accepted::{Acceptance, accept_cluster};

/// Whether what a cluster names is there.
pub struct ClusterReferences;

/// Key of the custom configuration.
const CONFIG_KEY: &str = "hazelcast";

impl Step for ClusterReferences {
    type Resource = Hazelcast;
    const NAME: &'static str = "references";
    const SUMMARY: &'static str = "waits for what the specification names";

    fn run(cx: &Context<Hazelcast>) -> StepResult {
        let spec = &cx.object().spec;
        let accepted = match accept_cluster(cx) {
            Acceptance::Accepted(accepted) => accepted,
            Acceptance::Refused(violations) => return Ok(refuse(&violations)),
        };
        let mut names = Names::new(cx.namespace());
        // HZ-05.
        let licence = edition::licence(spec.license_key_secret_name.as_deref(), spec.license_key_secret.as_deref());
        names.wants_secret("spec.licenseKeySecretName", licence);
        // HZ-07.
        names.wants_secret("spec.tls.secretName", spec.tls.as_ref().map(|tls| tls.secret_name.as_str()));
        names.wrong.extend(backup(cx, spec)?);
        buckets_of_jobs(&mut names, spec);
        names.needs_secret("spec.customConfigSecretName", spec.custom_config_secret_name.as_deref());
        names.wrong.extend(custom_configuration(cx, spec)?);
        if let Some(security) = &spec.security {
            users(&mut names, security);
        }
        let token = spec.discovery.as_ref().and_then(|discovery| discovery.api_token.as_ref());
        names.needs_secret("spec.discovery.apiToken.name", token.map(|token| token.name.as_str()));
        if spec.agent.is_some() {
            names.wants_certificate_of_agents();
        }
        code(&mut names, spec);
        volumes(&mut names, spec);
        names.wants_account(spec.service_account_name.as_deref());
        let logging = spec.logging_configuration.as_ref().and_then(|logging| logging.config_map_key_ref.as_ref());
        if let Some(key) = logging.filter(|key| key.optional != Some(true)) {
            let path = "spec.loggingConfiguration.configMapKeyRef.name".to_owned();
            names.wants_config_map(path, key.name.as_deref());
        }
        Ok(names.resolve(cx, &accepted)?)
    }
}

/// HZ-11: a backup must be there, and made.
fn backup(cx: &Context<Hazelcast>, spec: &Spec) -> Result<Option<Violation>, ReadError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Backup {
        status: BackupStatus,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct BackupStatus {
        state: String,
    }
    let restore = spec.persistence.as_ref().and_then(|persistence| persistence.restore.as_ref());
    let name = restore.and_then(|restore| restore.hot_backup_resource_name.as_deref()).filter(|name| !name.is_empty());
    let Some(name) = name else { return Ok(None) };
    let path = "spec.persistence.restore.hotBackupResourceName";
    let found = if cx.serves(HOT_BACKUPS) {
        cx.read(HOT_BACKUPS, name).fields(&["status.state"]).get::<Backup>()?
    } else {
        None
    };
    Ok(match found {
        None => Some(Violation::not_found(path, name, "no HotBackup of this namespace has this name")),
        Some(Backup { status: BackupStatus { state } }) if state != "Success" => {
            let state = if state.is_empty() { "Unknown" } else { &state };
            let message = format!("the HotBackup has not been made: its state is {state}");
            Some(Violation::invalid(path, name, message))
        }
        Some(_) => None,
    })
}

/// HZ-16, and the same for several buckets.
fn buckets_of_jobs(names: &mut Names<'_>, spec: &Spec) {
    if !spec.jet.enabled {
        return;
    }
    let single = spec.jet.bucket_config.as_ref().and_then(|bucket| bucket.secret());
    names.requires_secret("spec.jet.bucketConfig.secretName".to_owned(), single);
    for (index, bucket) in spec.jet.bucket_configs.iter().enumerate() {
        names.requires_secret(format!("spec.jet.bucketConfigs[{index}].secretName"), bucket.secret_name.as_deref());
    }
}

/// HZ-25 to HZ-27. What a Secret holds is left to those who use it.
fn custom_configuration(cx: &Context<Hazelcast>, spec: &Spec) -> Result<Option<Violation>, ReadError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Held {
        data: BTreeMap<String, String>,
    }
    let Some(name) = spec.custom_config_cm_name.as_deref().filter(|name| !name.is_empty()) else { return Ok(None) };
    let held = match cx.read(ConfigMap::TYPE, name).fields(&["data"]).get::<Held>() {
        Err(ReadError::Denied(_) | ReadError::Invalid(_)) => return Ok(None),
        other => other?,
    };
    // One that was made from a file has a key named as the file.
    let text = |data: &BTreeMap<String, String>| {
        let only = data.values().next().filter(|_| data.len() == 1);
        data.get(CONFIG_KEY).or(only).cloned()
    };
    let wrong = match held.map(|held| text(&held.data)) {
        None => Some("no ConfigMap of this namespace has this name"),
        Some(None) => Some("the ConfigMap has no key `hazelcast`"),
        Some(Some(text)) if !is_mapping(&text) => Some("key `hazelcast` of the ConfigMap holds no YAML mapping"),
        Some(Some(_)) => None,
    };
    Ok(wrong.map(|message| Violation::not_found("spec.customConfigCmName", name, message)))
}

/// Whether a text can be a YAML mapping, or nothing at all: by how it begins. The rest is left to whoever parses it.
fn is_mapping(text: &str) -> bool {
    let lines = text.lines().map(str::trim);
    let mut said = lines.filter(|line| !line.is_empty() && !line.starts_with(['#', '%']) && *line != "---");
    let Some(first) = said.next().map(|line| line.strip_prefix("--- ").unwrap_or(line).trim_start()) else {
        return true;
    };
    if first.starts_with(['{', '?']) {
        return true;
    }
    let (quote, rest) = match first.chars().next() {
        Some('[') => return false,
        Some('-') if first == "-" || first.starts_with("- ") => return false,
        Some(quote @ ('"' | '\'')) => (Some(quote), first.get(1..).unwrap_or_default()),
        _ => (None, first),
    };
    let after = match quote {
        Some(quote) => rest.split_once(quote).map(|(_, after)| after.trim_start()),
        None => rest.find(": ").or_else(|| rest.ends_with(':').then(|| rest.len() - 1)).and_then(|at| rest.get(at..)),
    };
    after.is_some_and(|after| after == ":" || after.starts_with(": "))
}

/// Whom the operator and clients log in as.
fn users(names: &mut Names<'_>, security: &Security) {
    names.needs_secret("spec.security.operatorClientSecretName", Some(&security.operator_client_secret_name));
    for (realm, described) in security.realms.iter().enumerate() {
        let Some(authentication) = &described.authentication else { continue };
        let path = format!("spec.security.realms[{realm}].authentication");
        for (user, described) in authentication.simple.iter().flat_map(|simple| &simple.users).enumerate() {
            names.needs_secret(format!("{path}.simple.users[{user}].secretName"), Some(&described.secret_name));
        }
        for (module, described) in authentication.jaas.iter().enumerate() {
            for (source, described) in described.properties_from.iter().enumerate() {
                let path = format!("{path}.jaas[{module}].propertiesFrom[{source}]");
                let name = |reference: &Option<LocalReference>| reference.as_ref().and_then(|it| it.name.clone());
                names.needs_secret(format!("{path}.secretRef.name"), name(&described.secret_ref).as_deref());
                names.needs_config_map(format!("{path}.configMapRef.name"), name(&described.config_map_ref).as_deref());
            }
        }
    }
}

/// Where code comes from; pods wait for it.
fn code(names: &mut Names<'_>, spec: &Spec) {
    names.wants_config_maps("spec.jet.configMaps", &spec.jet.config_maps);
    names.wants_modules(spec.module_deployment.as_ref());
    if let Some(code) = &spec.user_code_deployment {
        names.wants_buckets("spec.userCodeDeployment", code.bucket_config.as_ref(), &code.bucket_configs);
        names.wants_config_maps("spec.userCodeDeployment.configMaps", &code.config_maps);
    }
    let restore = spec.persistence.as_ref().and_then(|persistence| persistence.restore.as_ref());
    let bucket = restore.and_then(|restore| restore.bucket_config.as_ref());
    names.wants_buckets("spec.persistence.restore", bucket, &[]);
    names.wants_pull_secrets(&spec.image_pull_secrets);
}

/// Classes of volumes.
fn volumes(names: &mut Names<'_>, spec: &Spec) {
    let data = spec.persistence.as_ref().and_then(|persistence| persistence.pvc.as_ref());
    let cp = spec.cp_subsystem.as_ref().and_then(|cp| cp.pvc.as_ref());
    for (path, claim) in [("spec.persistence.pvc", data), ("spec.cpSubsystem.pvc", cp)] {
        let class = claim.and_then(|claim| claim.storage_class_name.as_deref());
        names.wants_class(format!("{path}.storageClassName"), class);
    }
    for (index, claim) in spec.persistence_volume_claims.iter().enumerate() {
        let path = format!("spec.persistenceVolumeClaims[{index}].storageClassName");
        names.wants_class(path, claim.storage_class_name.as_deref());
    }
}

#[cfg(test)]
mod tests;
