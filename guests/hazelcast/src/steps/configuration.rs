//! The configuration document of members, the certificates that go with it, and what the init container is to do.

use filbert_guest::k8s::{ConfigMap, Secret};
use filbert_guest::{Condition, Context, Plan, Problem, ReadError, Status, Step, StepError, StepResult};
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::Spec;
use serde::Deserialize;

use super::secrets::{Entries, key_store};
use super::{agent, labels, references};
use crate::config::custom;
use crate::config::{self, Inputs, Layout, MEMBER_STORE, Node};
use crate::names;

/// The key of the document in its Secret.
const DOCUMENT: &str = "hazelcast.yaml";
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

    fn run(cx: &Context<Hazelcast>) -> StepResult {
        let spec = &cx.object().spec;
        let mut problems = references::missing(cx, &references::of_cluster(cx.object()))?;
        let before = before(cx)?;
        let layout = before.text(DOCUMENT).map_or_else(Layout::default, |document| Layout::of_document(&document));
        let sections = config::sections(Inputs { name: cx.name(), spec, layout });
        let (sections, custom) = with_custom(cx, sections)?;
        // A Secret, because the document may hold passwords.
        let mut secret = Secret::new(cx.name())
            .labels(labels(cx))
            .annotations(spec.annotations.clone())
            .type_("Opaque")
            .text(DOCUMENT, config::document(sections).to_yaml());
        if let Some(tls) = spec.tls.as_ref().filter(|tls| !tls.secret_name.is_empty()) {
            match key_store(cx, &tls.secret_name)? {
                Ok(store) => secret = secret.text(MEMBER_STORE, store),
                Err(problem) => {
                    let problem = format!("spec.tls.secretName: {problem}");
                    problems.extend((!problems.contains(&problem)).then_some(problem));
                    // Running members are better off with the certificates that they have.
                    if let Some(store) = before.raw(MEMBER_STORE) {
                        secret = secret.entry(MEMBER_STORE, store);
                    }
                }
            }
        }
        let instructions = agent::instructions(cx, layout)?;
        problems.extend(instructions.problem);
        let init = ConfigMap::new(names::init_config(cx.name()))
            .labels(labels(cx))
            .annotations(spec.annotations.clone())
            .entry("config.yaml", instructions.document.to_yaml());
        let plan = Plan::default()
            .apply(secret)
            .because("members start with it")
            .apply(init)
            .because("tells the init container what to fetch before a member starts")
            .condition(references::condition(&problems));
        Ok(match custom {
            None => plan,
            Some(custom) => plan.condition(custom),
        })
    }
}

/// What this step wrote before, where that matters: data stays where it is, and certificates outlive the loss of their Secret.
fn before(cx: &Context<Hazelcast>) -> Result<Entries, ReadError> {
    let Spec { persistence, tls, .. } = &cx.object().spec;
    if persistence.is_none() && tls.is_none() {
        return Ok(Entries::default());
    }
    Ok(Entries::read(cx, cx.name())?.unwrap_or_default())
}

/// The sections with those that people write themselves, where they do, and what is to be said about these.
fn with_custom(cx: &Context<Hazelcast>, ours: Node) -> Result<(Node, Option<Condition>), StepError> {
    #[derive(Deserialize)]
    struct Live {
        #[serde(default)]
        metadata: filbert_guest::Metadata,
        #[serde(default)]
        data: filbert_guest::k8s::Map,
    }
    const PATH: &str = "spec.customConfigCmName";
    let name = cx.object().spec.custom_config_cm_name.as_deref().filter(|name| !name.is_empty());
    let Some(name) = name else { return Ok((ours, None)) };
    // Members must not start without it, so nothing is written until it is there and of use.
    let invalid = |reason, message| Err(StepError::Invalid(Problem::new(reason, message).at(PATH)));
    let found: Option<Live> = cx.read(ConfigMap::TYPE, name).fields(&["metadata.annotations", "data"]).get()?;
    let Some(Live { metadata, data }) = found else {
        return invalid("ConfigMapMissing", format!("there is no ConfigMap {name}"));
    };
    let only = || data.values().next().filter(|_| data.len() == 1);
    let Some(text) = data.get(CUSTOM).or_else(only) else {
        return invalid("ConfigMapUnusable", format!("the ConfigMap {name} has no key {CUSTOM}"));
    };
    let theirs = match custom::parse(text) {
        Ok(theirs) => theirs,
        Err(problem) => return invalid("ConfigMapUnusable", format!("the ConfigMap {name}: {problem}")),
    };
    let condition =
        |status, reason, message: String| Some(Condition::new("CustomConfigurationUsed", status, reason, message));
    if metadata.annotations.get(CUSTOM_WINS).is_some_and(|wins| wins == "true") {
        let message = format!("the ConfigMap {name} wins over the specification");
        return Ok((custom::over(ours, theirs), condition(Status::True, "PutOver", message)));
    }
    let (merged, replaced) = custom::below(ours, theirs);
    let said = if replaced.is_empty() {
        condition(Status::True, "Merged", format!("all of the ConfigMap {name} is used"))
    } else {
        let sections = replaced.join(", ");
        let message = format!(
            "of the ConfigMap {name} these sections are not used, because the specification says them too: {sections}; annotate it with {CUSTOM_WINS}: \"true\" to let it win"
        );
        condition(Status::False, "SectionsReplaced", message)
    };
    Ok((merged, said))
}

#[cfg(test)]
mod tests;
