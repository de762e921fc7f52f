//! The volume claims of members: of the data, of the CP subsystem, of devices.

use filbert_guest::k8s::{Map, PersistentVolumeClaimSpec, ResourceRequirements, StatefulSet, VolumeMount};
use filbert_guest::{Context, ReadError};
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::{ClaimNamePrefix, Spec};
use hazelcast_api::shapes::Claim;
use serde::Deserialize;
use serde_json::{Value, json};

use super::labels;
use crate::names;

/// The claim templates of members and where their volumes are mounted.
pub(super) struct Claims {
    /// As in the `StatefulSet`.
    pub(super) templates: Vec<Value>,
    /// Of the member's container.
    pub(super) mounts: Vec<VolumeMount>,
}

/// Those of the set that is there, because claim templates cannot change; else those that are wanted.
pub(super) fn of_members(cx: &Context<Hazelcast>) -> Result<Claims, ReadError> {
    let wanted = wanted(cx);
    let live = live(cx)?;
    // The data is where the first template of a running set says it is, whatever it is called there.
    let data = live.as_ref().and_then(|templates| templates.first()).and_then(template_name);
    let mounts = wanted
        .iter()
        .enumerate()
        .map(|(index, (name, path, _))| {
            let is_data = index == 0 && cx.object().spec.persistence.is_some();
            VolumeMount::at(data.filter(|_| is_data).unwrap_or(name), path.as_str())
        })
        .collect();
    let templates = match live {
        Some(templates) => templates,
        None => wanted.into_iter().map(|(_, _, template)| template).collect(),
    };
    Ok(Claims { templates, mounts })
}

/// The claim templates of the set that is there, as far as people and operators write them.
fn live(cx: &Context<Hazelcast>) -> Result<Option<Vec<Value>>, ReadError> {
    #[derive(Deserialize)]
    struct Live {
        #[serde(default)]
        spec: LiveSpec,
    }
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase", default)]
    struct LiveSpec {
        volume_claim_templates: Vec<Value>,
    }
    let live: Option<Live> = cx.read(StatefulSet::TYPE, cx.name()).fields(&["spec.volumeClaimTemplates"]).get()?;
    Ok(live.map(|live| live.spec.volume_claim_templates.into_iter().map(without_status).collect()))
}

/// Without what the API server adds.
fn without_status(mut template: Value) -> Value {
    if let Some(fields) = template.as_object_mut() {
        fields.remove("status");
        if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
            metadata.remove("creationTimestamp");
        }
    }
    template
}

fn template_name(template: &Value) -> Option<&str> {
    template.pointer("/metadata/name").and_then(Value::as_str)
}

/// Name, path and template of each claim, that of the data first.
fn wanted(cx: &Context<Hazelcast>) -> Vec<(String, String, Value)> {
    let spec = &cx.object().spec;
    let annotations = Some(&spec.annotations);
    let data = spec.persistence.as_ref().and_then(|persistence| persistence.pvc.as_ref()).map(|claim| {
        let name = data_name(spec);
        (name.to_owned(), names::PERSISTENCE_DIR.to_owned(), template(cx, name, claim, annotations))
    });
    let cp = spec.cp_subsystem.as_ref().and_then(|cp| cp.pvc.as_ref()).map(|claim| {
        let name = "cp-subsystem-persistence";
        (name.to_owned(), names::CP_DIR.to_owned(), template(cx, name, claim, annotations))
    });
    let devices = spec.local_devices.iter().filter_map(|device| {
        let template = template(cx, &device.name, device.pvc.as_ref()?, None);
        Some((device.name.clone(), format!("/data/tiered-storage/{}", device.name), template))
    });
    data.into_iter().chain(cp).chain(devices).collect()
}

/// Data to restore may lie in claims of another name.
fn data_name(spec: &Spec) -> &'static str {
    let restore = spec.persistence.as_ref().and_then(|persistence| persistence.restore.as_ref());
    match restore.and_then(|restore| restore.local_config.as_ref()).map(|local| local.pvc_name_prefix) {
        Some(ClaimNamePrefix::HotRestartPersistence) => "hot-restart-persistence",
        Some(ClaimNamePrefix::Persistence) | None => "persistence",
    }
}

fn template(cx: &Context<Hazelcast>, name: &str, claim: &Claim, annotations: Option<&Map>) -> Value {
    let mut metadata = json!({"name": name, "labels": labels(cx)});
    if let (Some(annotations), Some(fields)) = (annotations.filter(|all| !all.is_empty()), metadata.as_object_mut()) {
        fields.insert("annotations".to_owned(), json!(annotations));
    }
    // A quantity may be written as a number; requests are texts.
    let storage = claim.request_storage.as_str().map_or_else(|| claim.request_storage.to_string(), str::to_owned);
    let resources = ResourceRequirements::new().requests(Map::from([("storage".to_owned(), storage)]));
    let mut spec = PersistentVolumeClaimSpec::new()
        .access_modes(claim.access_modes.clone().unwrap_or_default())
        .resources(resources);
    if let Some(class) = &claim.storage_class_name {
        spec = spec.storage_class_name(class.as_str());
    }
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn persistent() -> Value {
        json!({"spec": {
            "persistence": {"pvc": {"accessModes": ["ReadWriteOnce"], "requestStorage": "16Gi", "storageClassName": "fast"}},
            "cpSubsystem": {"pvc": {"accessModes": ["ReadWriteOnce"]}},
            "localDevices": [{"name": "disk", "pvc": {"accessModes": ["ReadWriteOnce"]}}],
            "annotations": {"site": "north"},
        }})
    }

    #[test]
    fn data_then_cp_then_devices() {
        let claims = of_members(&Context::test("library", persistent())).expect("claims");
        insta::assert_snapshot!(crate::golden(&json!({"templates": claims.templates, "mounts": claims.mounts})));
    }

    #[test]
    fn the_templates_of_a_running_set_stay_and_its_data_keeps_its_name() {
        let live = json!({"metadata": {"name": "library"}, "spec": {"volumeClaimTemplates": [
            {"metadata": {"name": "hot-restart-persistence", "creationTimestamp": null}, "spec": {"x": 1}, "status": {"phase": "Pending"}},
        ]}});
        let cx = Context::test("library", persistent()).with(StatefulSet::TYPE, live);
        let claims = of_members(&cx).expect("claims");
        assert_eq!(claims.templates, [json!({"metadata": {"name": "hot-restart-persistence"}, "spec": {"x": 1}})]);
        assert_eq!(
            json!(claims.mounts[0]),
            json!({"name": "hot-restart-persistence", "mountPath": "/data/persistence"})
        );
    }
}
