//! The configuration document of members, the certificates that go with it, and what the init container is to do.

use std::collections::BTreeMap;

use filbert_guest::k8s::{ConfigMap, Map, Secret, from_base64};
use filbert_guest::{Condition, Context, Plan, Problem, ReadError, Status, Step, StepError, StepResult};
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::{DiscoveryMode, Spec};
use serde::Deserialize;

use super::secrets::{Entries, condition, key_store};
use super::{agent, labels, scaling};
use crate::checksum::fnv1a;
use crate::config::custom;
use crate::config::{self, Inputs, Layout, MEMBER_STORE, Node, Referred};
use crate::names;

/// The key of the document in its Secret.
pub(super) const DOCUMENT: &str = "hazelcast.yaml";
/// That of the document of members without data.
pub(super) const LITE_DOCUMENT: &str = "hazelcast-lite.yaml";
/// What this step leaves where the document asks for more than one backup of something.
pub(super) const BACKUPS: &str = "backups";
/// What this step leaves where members are to start again for it: a checksum for each document.
pub(super) const CHECKSUMS: &str = "checksums";
/// The key of the configuration that people write themselves.
const CUSTOM: &str = "hazelcast";
/// Annotation of such a configuration: it wins over the specification.
const CUSTOM_WINS: &str = "hazelcast.com/custom-config-overwrite";

/// The configuration document as a Secret, and the `ConfigMap` of the init container.
pub struct Configuration;

impl Step for Configuration {
    type Resource = Hazelcast;
    const NAME: &'static str = "configuration";
    const SUMMARY: &'static str = "the configuration that members start with";
    const LEAVES: &'static [&'static str] = &[BACKUPS, CHECKSUMS];

    fn run(cx: &Context<Hazelcast>) -> StepResult {
        let spec = &scaling::with_size_of_cp(cx)?;
        let mut problems = Vec::new();
        let before = before(cx)?;
        let layout = before.text(DOCUMENT).map_or_else(Layout::default, |document| Layout::of_document(&document));
        let api_token = api_token(cx)?;
        let referred = referred(cx)?;
        let inputs = Inputs {
            name: cx.name(),
            namespace: cx.namespace(),
            spec,
            api_token: api_token.as_deref(),
            is_lite: false,
            referred: &referred,
            layout,
        };
        let (sections, custom) = with_custom(cx, config::sections(inputs))?;
        let backups = config::backups(&sections);
        let mut documents = vec![(DOCUMENT, config::document(sections).to_yaml())];
        if let Some(spec) = &config::of_lite_members(spec) {
            let (sections, _) = with_custom(cx, config::sections(Inputs { spec, is_lite: true, ..inputs }))?;
            documents.push((LITE_DOCUMENT, config::document(sections).to_yaml()));
        }
        // A Secret, because the document may hold passwords.
        let secret = Secret::new(cx.name()).labels(labels(cx)).annotations(spec.annotations.clone()).type_("Opaque");
        let mut secret = documents.iter().fold(secret, |secret, (key, text)| secret.text(*key, text.as_str()));
        let mut store = None;
        if let Some(tls) = spec.tls.as_ref().filter(|tls| !tls.secret_name.is_empty()) {
            store = match key_store(cx, &tls.secret_name)? {
                Ok(store) => Some(store),
                Err(problem) => {
                    problems.extend(problem.map(|problem| format!("spec.tls.secretName: {problem}")));
                    // Running members are better off with the certificates that they have.
                    before.raw(MEMBER_STORE).and_then(from_base64)
                }
            };
            if let Some(store) = &store {
                secret = secret.text(MEMBER_STORE, store.clone());
            }
        }
        let instructions = agent::instructions(cx, layout)?;
        let fetched = instructions.document.to_yaml();
        problems.extend(instructions.problem);
        let init = ConfigMap::new(names::init_config(cx.name()))
            .labels(labels(cx))
            .annotations(spec.annotations.clone())
            .entry("config.yaml", fetched.as_str());
        let plan = Plan::default()
            .apply(secret)
            .because("members start with it")
            .apply(init)
            .because("tells the init container what to fetch before a member starts")
            .condition(condition(&problems));
        let plan = match backups {
            None => plan,
            Some(backups) => plan.fact(BACKUPS, backups),
        };
        let restarts = spec.data_safety.as_ref().and_then(|safety| safety.restart_on_configuration_change);
        let plan = match restarts {
            Some(true) => {
                let store = store.as_deref().unwrap_or_default();
                plan.fact(CHECKSUMS, checksums(spec, &documents, store, &fetched))
            }
            Some(false) | None => plan,
        };
        Ok(match custom {
            None => plan,
            Some(custom) => plan.condition(custom),
        })
    }
}

/// Of all that members read only when they start, by document, and of what is fetched before. Certificates are not, where
/// members read them again by themselves.
fn checksums(
    spec: &Spec,
    documents: &[(&'static str, String)],
    store: &[u8],
    fetched: &str,
) -> BTreeMap<&'static str, u32> {
    let is_read_again = spec.tls.as_ref().is_some_and(|tls| tls.key_material_duration.is_some());
    let store = if is_read_again { &[] } else { store };
    documents.iter().map(|(key, text)| (*key, fnv1a(&[text.as_bytes(), store, fetched.as_bytes()].concat()))).collect()
}

/// What this step wrote before, where that matters: data stays where it is, and certificates outlive the loss of their Secret.
fn before(cx: &Context<Hazelcast>) -> Result<Entries, ReadError> {
    let Spec { persistence, tls, .. } = &cx.object().spec;
    if persistence.is_none() && tls.is_none() {
        return Ok(Entries::default());
    }
    Ok(Entries::read(cx, cx.name())?.unwrap_or_default())
}

/// The token with which members ask the Kubernetes API, where it is not that of their account.
fn api_token(cx: &Context<Hazelcast>) -> Result<Option<String>, StepError> {
    let discovery = cx.object().spec.discovery.as_ref().filter(|discovery| discovery.mode == DiscoveryMode::Api);
    let Some(token) = discovery.and_then(|discovery| discovery.api_token.as_ref()) else { return Ok(None) };
    let text = Entries::read(cx, &token.name)?.and_then(|entries| entries.text(&token.key));
    if let Some(text) = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) {
        return Ok(Some(text));
    }
    // Without it members would not find each other, and each would be a cluster of its own.
    let message = format!("the Secret {} has no text under the key {}", token.name, token.key);
    Err(StepError::Invalid(Problem::new("TokenMissing", message).at("spec.discovery.apiToken")))
}

/// Names, passwords and properties for security. Members must not start without: nobody could connect.
fn referred(cx: &Context<Hazelcast>) -> Result<Referred, StepError> {
    let mut referred = Referred::default();
    let Some(security) = &cx.object().spec.security else { return Ok(referred) };
    let ways = security.realms.iter().filter_map(|realm| realm.authentication.as_ref());
    let users = ways.clone().flat_map(|way| &way.simple).flat_map(|simple| &simple.users);
    let users = users.map(|user| ("Secret", user.secret_name.as_str(), &["username", "password"][..]));
    let properties = ways.flat_map(|way| &way.jaas).flat_map(|module| &module.properties_from);
    let properties = properties.filter_map(config::security::source).map(|(kind, name)| (kind, name, &[][..]));
    for (kind, name, keys) in users.chain(properties) {
        let found = if kind == "Secret" {
            Entries::read(cx, name)?.map(|entries| entries.texts())
        } else {
            config_map(cx, name)?
        };
        let found = found.filter(|entries| keys.iter().all(|key| entries.contains_key(*key)));
        let Some(entries) = found else {
            let keys = if keys.is_empty() { String::new() } else { format!(" with {}", keys.join(" and ")) };
            let problem = Problem::new("CredentialsMissing", format!("there is no {kind} {name}{keys}"));
            return Err(StepError::Invalid(problem.at("spec.security.realms")));
        };
        referred.add(kind, name, entries);
    }
    Ok(referred)
}

/// The entries of a `ConfigMap`.
fn config_map(cx: &Context<Hazelcast>, name: &str) -> Result<Option<Map>, ReadError> {
    #[derive(Deserialize)]
    struct Live {
        #[serde(default)]
        data: Map,
    }
    let live: Option<Live> = cx.read(ConfigMap::TYPE, name).fields(&["data"]).get()?;
    Ok(live.map(|live| live.data))
}

/// The sections with those that people write themselves, where they do, and what is to be said about these.
fn with_custom(cx: &Context<Hazelcast>, ours: Node) -> Result<(Node, Option<Condition>), StepError> {
    #[derive(Deserialize)]
    struct Live {
        #[serde(default)]
        metadata: filbert_guest::Metadata,
        #[serde(default)]
        data: Map,
    }
    const MAP: &str = "spec.customConfigCmName";
    const SECRET: &str = "spec.customConfigSecretName";
    let given = |name: &'_ Option<String>| name.as_ref().is_some_and(|name| !name.is_empty());
    let Spec { custom_config_cm_name, custom_config_secret_name, .. } = &cx.object().spec;
    let (path, kind, name) = if given(custom_config_cm_name) {
        (MAP, "ConfigMap", custom_config_cm_name)
    } else if given(custom_config_secret_name) {
        (SECRET, "Secret", custom_config_secret_name)
    } else {
        return Ok((ours, None));
    };
    let name = format!("{kind} {}", name.as_deref().unwrap_or_default());
    let resource = if path == MAP { ConfigMap::TYPE } else { Secret::TYPE };
    let object = name.rsplit(' ').next().unwrap_or_default();
    // Members must not start without it, so nothing is written until it is there and of use.
    let invalid = |reason, message| Err(StepError::Invalid(Problem::new(reason, message).at(path)));
    let found: Option<Live> = cx.read(resource, object).fields(&["metadata.annotations", "data"]).get()?;
    let Some(Live { metadata, data }) = found else {
        return invalid("ConfigurationMissing", format!("there is no {name}"));
    };
    let only = || data.values().next().filter(|_| data.len() == 1);
    let Some(text) = data.get(CUSTOM).or_else(only) else {
        return invalid("ConfigurationUnusable", format!("the {name} has no key {CUSTOM}"));
    };
    let decoded = (path == SECRET).then(|| from_base64(text).and_then(|bytes| String::from_utf8(bytes).ok()));
    let text = decoded.as_ref().map_or(text.as_str(), |decoded| decoded.as_deref().unwrap_or_default());
    let theirs = match custom::parse(text) {
        Ok(theirs) => theirs,
        Err(problem) => return invalid("ConfigurationUnusable", format!("the {name}: {problem}")),
    };
    let condition =
        |status, reason, message: String| Some(Condition::new("CustomConfigurationUsed", status, reason, message));
    if metadata.annotations.get(CUSTOM_WINS).is_some_and(|wins| wins == "true") {
        let message = format!("the {name} wins over the specification");
        return Ok((custom::over(ours, theirs), condition(Status::True, "PutOver", message)));
    }
    let (merged, replaced) = custom::below(ours, theirs);
    let said = if replaced.is_empty() {
        condition(Status::True, "Merged", format!("all of the {name} is used"))
    } else {
        let sections = replaced.join(", ");
        let message = format!(
            "of the {name} these sections are not used, because the specification says them too: {sections}; annotate it with {CUSTOM_WINS}: \"true\" to let it win"
        );
        condition(Status::False, "SectionsReplaced", message)
    };
    Ok((merged, said))
}

#[cfg(test)]
mod tests;
