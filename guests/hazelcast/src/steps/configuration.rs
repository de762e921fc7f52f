//! The configuration document of members, and what the init container is to do.

use filbert_guest::k8s::{ConfigMap, Secret};
use filbert_guest::{Context, Plan, Step, StepResult};
use hazelcast_api::Hazelcast;

use super::labels;
use crate::{config, names};

/// The configuration document as a Secret, and the `ConfigMap` of the init container.
pub struct Configuration;

impl Step for Configuration {
    type Resource = Hazelcast;
    const NAME: &'static str = "configuration";
    const SUMMARY: &'static str = "the configuration that members start with";

    fn run(cx: &Context<Hazelcast>) -> StepResult {
        let spec = &cx.object().spec;
        // A Secret, because the document may hold passwords.
        let document = Secret::new(cx.name())
            .labels(labels(cx))
            .annotations(spec.annotations.clone())
            .type_("Opaque")
            .text("hazelcast.yaml", config::document(cx.name(), spec).to_yaml());
        let init = ConfigMap::new(names::init_config(cx.name()))
            .labels(labels(cx))
            .annotations(spec.annotations.clone())
            .entry("config.yaml", "initContainer: {}\n");
        Ok(Plan::default()
            .apply(document)
            .because("members start with it")
            .apply(init)
            .because("tells the init container what to fetch before a member starts"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_document_is_a_secret_and_there_is_a_config_map_for_the_init_container() {
        let plan = Configuration::run(&Context::test("library", json!({"spec": {"labels": {"team": "blue"}}})))
            .expect("a plan");
        let secret = plan.find("Secret", "library").expect("a Secret");
        assert_eq!(secret["type"], "Opaque");
        assert_eq!(secret["metadata"]["labels"]["team"], "blue");
        assert!(secret["data"]["hazelcast.yaml"].is_string());
        let init = plan.find("ConfigMap", "library-init").expect("a ConfigMap");
        assert_eq!(init["data"], json!({"config.yaml": "initContainer: {}\n"}));
    }
}
