//! The volume claims of members: of the data, of the CP subsystem, of devices.

use filbert_guest::k8s::{Map, PersistentVolumeClaimSpec, ResourceRequirements, StatefulSet, VolumeMount};
use filbert_guest::{Context, ReadError, Resource};
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::{ClaimNamePrefix, NamedClaim, Spec};
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
        .flat_map(|(index, claim)| {
            let is_data = index == 0 && cx.object().spec.persistence.is_some();
            let name = data.filter(|_| is_data).unwrap_or(&claim.name);
            claim.paths.iter().map(move |path| VolumeMount::at(name, path.as_str()))
        })
        .collect();
    let templates = match live {
        Some(templates) => templates,
        None => wanted.into_iter().map(|claim| claim.template).collect(),
    };
    Ok(Claims { templates, mounts })
}

/// The claim templates of the set that is there, as far as people and operators write them. They cannot change.
pub(super) fn live<R: Resource>(cx: &Context<R>) -> Result<Option<Vec<Value>>, ReadError> {
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

/// A claim that is wanted.
struct Wanted {
    name: String,
    /// Where the member has it.
    paths: Vec<String>,
    template: Value,
}

/// Those that are wanted, that of the data first.
fn wanted(cx: &Context<Hazelcast>) -> Vec<Wanted> {
    let spec = &cx.object().spec;
    let annotations = Some(&spec.annotations);
    let data = spec.persistence.as_ref().and_then(|persistence| persistence.pvc.as_ref()).map(|claim| {
        let name = data_name(spec);
        let template = template(cx, name, claim, annotations);
        Wanted { name: name.to_owned(), paths: vec![names::PERSISTENCE_DIR.to_owned()], template }
    });
    let cp = spec.cp_subsystem.as_ref().and_then(|cp| cp.pvc.as_ref()).map(|claim| {
        let name = "cp-subsystem-persistence";
        let template = template(cx, name, claim, annotations);
        Wanted { name: name.to_owned(), paths: vec![names::CP_DIR.to_owned()], template }
    });
    let devices = spec.local_devices.iter().filter_map(|device| {
        let template = template(cx, &device.name, device.pvc.as_ref()?, None);
        Some(Wanted {
            name: device.name.clone(),
            paths: vec![format!("/data/tiered-storage/{}", device.name)],
            template,
        })
    });
    let named = spec.persistence_volume_claims.iter().map(|claim| named(cx, claim));
    let mut all: Vec<_> = data.into_iter().chain(cp).chain(devices).chain(named).collect();
    all.sort_by_key(|claim| claim.paths.first().is_none_or(|path| path != names::PERSISTENCE_DIR));
    all
}

/// A claim for other fields to refer to: mounted under its name, and where those fields keep their data.
fn named(cx: &Context<Hazelcast>, claim: &NamedClaim) -> Wanted {
    let spec = &cx.object().spec;
    let NamedClaim { access_modes, name, request_storage, storage_class_name } = claim.clone();
    let is_for = |reference: Option<&String>| reference.is_some_and(|reference| *reference == name);
    let data = spec.persistence.as_ref().and_then(|persistence| persistence.pvc_name.as_ref());
    let cp = spec.cp_subsystem.as_ref().and_then(|cp| cp.pvc_name.as_ref());
    let places = [(is_for(data), names::PERSISTENCE_DIR.to_owned()), (is_for(cp), names::CP_DIR.to_owned())];
    let own = format!("/data/{name}");
    let mut paths: Vec<_> = places.into_iter().filter(|(is_it, _)| *is_it).map(|(_, path)| path).collect();
    if !paths.contains(&own) {
        paths.push(own);
    }
    let claim = Claim { access_modes: Some(access_modes), request_storage, storage_class_name };
    let template = template(cx, &name, &claim, Some(&spec.annotations));
    Wanted { name, paths, template }
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
    fn claims_that_others_refer_to_are_mounted_under_their_names_and_where_data_is_kept() {
        let claim = |name: &str| json!({"name": name, "accessModes": ["ReadWriteOnce"], "requestStorage": "1Gi"});
        let cx = Context::test(
            "library",
            json!({"spec": {
                "persistenceVolumeClaims": [claim("notes"), claim("disk")],
                "persistence": {"pvcName": "disk"}, "cpSubsystem": {"pvcName": "disk"},
            }}),
        );
        let claims = of_members(&cx).expect("claims");
        let names: Vec<_> = claims.templates.iter().map(|template| template["metadata"]["name"].clone()).collect();
        assert_eq!(names, ["disk", "notes"]);
        assert_eq!(
            json!(claims.mounts),
            json!([
                {"name": "disk", "mountPath": "/data/persistence"}, {"name": "disk", "mountPath": "/data/cp-data"},
                {"name": "disk", "mountPath": "/data/disk"}, {"name": "notes", "mountPath": "/data/notes"},
            ])
        );
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
