//! Jars on the class path of a Management Center: from buckets and URLs, which a container fetches before it starts, and from
//! `ConfigMap`s.

use filbert_guest::Context;
use filbert_guest::k8s::{ConfigMap, Container, EmptyDirVolumeSource, EnvVar, Volume, VolumeMount};
use hazelcast_api::ManagementCenter;
use hazelcast_api::hazelcast::ModuleDeployment;
use hazelcast_api::management_center::Spec;
use serde_json::{Value, json};

use super::super::{agent, management_center_labels};
use crate::checksum::fnv1a;
use crate::names::{self, BUCKET_CODE_DIR};
use crate::{edition, pods};

/// Jars in this folder are on the class path by themselves.
const LIBRARY_DIR: &str = "/opt/hazelcast/management-center/bin/user-lib";
/// What is put in front of everything else on the class path. One folder: versions differ in what they take for the mark
/// between two.
const CLASS_PATH: &str = "MC_CLASSPATH";

/// What a pod has for jars.
#[derive(Default)]
pub(super) struct Modules {
    /// Fetches them.
    pub(super) init: Option<Container>,
    /// Where they are.
    pub(super) volumes: Vec<Volume>,
    /// The same, in the container of the Management Center.
    pub(super) mounts: Vec<VolumeMount>,
    /// In the environment of the Management Center.
    pub(super) variable: Option<EnvVar>,
    /// In an annotation of the pod: what makes it fetch everything again.
    pub(super) checksum: Option<String>,
}

fn wanted(spec: &Spec) -> Option<&ModuleDeployment> {
    spec.module_deployment.as_ref()
}

impl Modules {
    /// Those of a Management Center.
    pub(super) fn of(cx: &Context<ManagementCenter>) -> Self {
        let spec = &cx.object().spec;
        let Some(modules) = wanted(spec) else { return Self::default() };
        let mut all = Self {
            // What is fetched is named outside of the pod; a change is to start it again.
            checksum: Some(fnv1a(serde_json::to_string(modules).unwrap_or_default().as_bytes()).to_string()),
            ..Self::default()
        };
        if agent::fetching(modules).is_some() {
            let empty = Volume::new().empty_dir(EmptyDirVolumeSource::new());
            let (volume, mount) = pods::mount("user-code-bucket", empty, BUCKET_CODE_DIR);
            let agent = spec.agent.clone().unwrap_or_default();
            let image = edition::image(&agent.repository, &agent.version);
            let (init, instructions) = agent::run_before(cx.name(), &image, vec![mount.clone()]);
            all.init = Some(match agent.resources {
                Some(resources) => init.resources(resources),
                None => init,
            });
            all.volumes.extend([instructions, volume]);
            all.mounts.push(mount);
            all.variable = Some(EnvVar::of(CLASS_PATH, format!("{BUCKET_CODE_DIR}/*")));
        }
        let mut config_maps: Vec<&String> = Vec::new();
        for name in modules.config_maps.iter().filter(|name| !name.is_empty()) {
            if !config_maps.contains(&name) {
                config_maps.push(name);
            }
        }
        if !config_maps.is_empty() {
            let sources: Vec<Value> = config_maps.iter().map(|name| json!({"configMap": {"name": name}})).collect();
            let source = json!({"defaultMode": pods::FILE_MODE, "sources": sources});
            let (volume, mount) = pods::mount("user-code-cm", Volume::new().projected(source), LIBRARY_DIR);
            all.volumes.push(volume);
            all.mounts.push(mount);
        }
        all
    }
}

/// What is fetched, for the container that does it; nothing where there is nothing to fetch.
pub(super) fn instructions(cx: &Context<ManagementCenter>) -> Option<ConfigMap> {
    let document = wanted(&cx.object().spec).and_then(agent::fetching)?;
    let instructions = ConfigMap::new(names::init_config(cx.name()))
        .labels(management_center_labels(cx))
        .annotations(cx.object().spec.annotations.clone())
        .entry("config.yaml", document.to_yaml());
    Some(instructions)
}

#[cfg(test)]
mod tests {
    use filbert_guest::{Plan, Step};

    use super::super::CenterSet;
    use super::*;

    fn plan(spec: Value) -> Plan {
        CenterSet::run(&Context::test("tower", json!({"spec": spec}))).expect("a plan")
    }

    fn pod(plan: &Plan) -> Value {
        plan.find("StatefulSet", "tower").expect("a StatefulSet")["spec"]["template"]["spec"].clone()
    }

    fn jars(more: Value) -> Value {
        let mut spec = json!({"moduleDeployment": {
            "bucketConfigs": [{"bucketURI": "s3://jars", "secretName": "cloud"}], "remoteURLs": ["https://x/1.jar"],
        }});
        spec.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
        spec
    }

    #[test]
    fn jars_are_fetched_before_it_starts() {
        let plan = plan(jars(json!({"agent": {"version": "0.1.30", "resources": {"limits": {"cpu": "1"}}}})));
        let pod = pod(&plan);
        let init = &pod["initContainers"][0];
        assert_eq!(init["image"], "docker.io/hazelcast/platform-operator-agent:0.1.30");
        assert_eq!(init["resources"], json!({"limits": {"cpu": "1"}}));
        assert_eq!(
            init["volumeMounts"],
            json!([
                {"name": "agent-config-volume", "mountPath": "/opt/data/config/"},
                {"name": "user-code-bucket", "mountPath": "/opt/hazelcast/userCode/bucket"},
            ])
        );
        let told = plan.find("ConfigMap", "tower-init").expect("a ConfigMap")["data"]["config.yaml"].clone();
        let told: Value = serde_saphyr::from_str(told.as_str().expect("text")).expect("YAML");
        let folder = "/opt/hazelcast/userCode/bucket";
        assert_eq!(
            told["initContainer"]["download"],
            json!({
                "buckets": [{"destination": folder, "secretName": "cloud", "bucketURI": "s3://jars"}],
                "urls": [{"destination": folder, "urls": "https://x/1.jar"}],
            })
        );
        let env = pod["containers"][0]["env"].as_array().expect("variables");
        assert!(env.contains(&json!({"name": "MC_CLASSPATH", "value": "/opt/hazelcast/userCode/bucket/*"})), "{env:?}");
    }

    #[test]
    fn jars_from_config_maps_are_there_without_anybody_fetching_them() {
        let plan = plan(json!({"moduleDeployment": {"configMaps": ["small", "more", "small"]}}));
        let pod = pod(&plan);
        assert_eq!(pod.get("initContainers"), None);
        assert_eq!(plan.find("ConfigMap", "tower-init"), None);
        let volumes = pod["volumes"].as_array().expect("volumes");
        let volume = volumes.iter().find(|volume| volume["name"] == "user-code-cm").expect("a volume");
        let sources = json!([{"configMap": {"name": "small"}}, {"configMap": {"name": "more"}}]);
        assert_eq!(volume["projected"]["sources"], sources);
    }

    #[test]
    fn a_trigger_makes_it_fetch_again() {
        let marks = |trigger: &str| {
            let mut spec = jars(json!({}));
            spec["moduleDeployment"]["triggerSequence"] = trigger.into();
            let set = plan(spec).find("StatefulSet", "tower").expect("a StatefulSet");
            set["spec"]["template"]["metadata"]["annotations"][names::ANNOTATION_MODULES].clone()
        };
        assert!(marks("1").is_string());
        assert_ne!(marks("1"), marks("2"));
    }
}
