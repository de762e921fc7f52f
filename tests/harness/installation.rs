//! Installations that another operator left, as a real API server kept them: put into an embedded server with the owners
//! of fields that they had, so that an operator of ours can take them over. They are read where they lie.

use std::path::{Path, PathBuf};

use filbert_kube::Api;
use filbert_plan::object::{self, ObjectKey, ResourceType, TypeMeta};
use kube::core::params::{Patch, PatchParams, PostParams};
use kube::core::request::Request;
use serde_json::{Value, json};

/// Field manager of the operator that left them.
pub const PREDECESSOR: &str = "manager";
/// Field manager of people who made resources.
const PERSON: &str = "kubectl-create";

/// The folders of recorded installations; none where there are no conformance data.
pub fn recorded() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let folder = std::env::var_os("FILBERT_CONFORMANCE")
        .map_or_else(|| root.join("../shared/conformance"), PathBuf::from)
        .join("adoption");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: no installations in {}; set FILBERT_CONFORMANCE", folder.display());
        return Vec::new();
    };
    let mut folders: Vec<_> =
        entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// One object of an installation.
#[derive(Debug, Clone)]
pub struct Left {
    /// Where it is.
    pub key: ObjectKey,
    /// As it is stored.
    pub object: Value,
}

/// An installation in a server.
pub struct Installation {
    /// The resource that it is about.
    pub owner: Left,
    /// What the other operator made for it, and what people did.
    pub others: Vec<Left>,
}

impl Installation {
    /// The object of this kind; of several the first.
    pub fn of_kind(&self, kind: &str) -> &Left {
        let found = self.others.iter().find(|left| left.object["kind"] == kind);
        found.unwrap_or_else(|| panic!("the installation has no {kind}"))
    }
}

/// Reads the objects of a folder, in the order of their files.
pub fn read(folder: &Path) -> Vec<Value> {
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let parse = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).expect("a file of text");
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    files.into_iter().map(parse).collect()
}

/// Puts the objects into a server: the resource of the group first, so that the others can name it as their owner.
pub async fn load(api: &Api, objects: &[Value], group: &str) -> Installation {
    let is_owner = |object: &Value| object["apiVersion"].as_str().is_some_and(|version| version.starts_with(group));
    let owner = objects.iter().find(|object| is_owner(object)).expect("a resource of the group");
    if let Some(namespace) = object::namespace(owner) {
        let key =
            ObjectKey { resource: ResourceType::new("", "v1", "namespaces"), namespace: None, name: namespace.into() };
        api.apply(
            &key,
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}),
            PERSON,
            true,
        )
        .await
        .expect("a namespace");
    }
    let old_uid = object::uid(owner).expect("a uid").to_owned();
    let made = create(api, owner, PERSON).await;
    let new_uid = object::uid(&made.object).expect("a uid").to_owned();
    let mut others = Vec::new();
    for object in objects.iter().filter(|object| !is_owner(object)) {
        // Owner references and the owners of fields in them.
        let text = object.to_string().replace(&old_uid, &new_uid);
        let object: Value = serde_json::from_str(&text).expect("JSON as before");
        let of_predecessor = object["metadata"]["managedFields"].to_string().contains("\"manager\":\"manager\"");
        others.push(create(api, &object, if of_predecessor { PREDECESSOR } else { PERSON }).await);
    }
    let status = json!({"status": owner["status"]});
    let object = patch_status(api, &made.key, &status, PREDECESSOR).await;
    Installation { owner: Left { key: made.key, object }, others }
}

/// Changes the status as a controller does.
pub async fn patch_status(api: &Api, key: &ObjectKey, patch: &Value, manager: &str) -> Value {
    let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    let request = Request::new(filbert_kube::api::path(&key.resource, key.namespace.as_deref()));
    let request = request.patch_subresource("status", &key.name, &params, &Patch::Merge(patch)).expect("a patch");
    api.client().request(request).await.unwrap_or_else(|error| panic!("{key}: {error}"))
}

/// Changes an object as somebody does who is not us.
pub async fn patch(api: &Api, key: &ObjectKey, patch: &Value, manager: &str) -> Value {
    let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    let request = Request::new(filbert_kube::api::path(&key.resource, key.namespace.as_deref()));
    let request = request.patch(&key.name, &params, &Patch::Merge(patch)).expect("a patch");
    api.client().request(request).await.unwrap_or_else(|error| panic!("{key}: {error}"))
}

/// Creates an object under a name of its own server, as somebody does who is not us.
pub async fn create(api: &Api, object: &Value, manager: &str) -> Left {
    let mut object = object.clone();
    let metadata = object["metadata"].as_object_mut().expect("metadata");
    metadata.remove("uid");
    let TypeMeta { api_version, kind } = TypeMeta::of(&object).expect("a type");
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let plural = match kind.as_str() {
        "Ingress" => "ingresses".to_owned(),
        kind => format!("{}s", kind.to_lowercase()),
    };
    let key = ObjectKey {
        resource: ResourceType::new(group, version, plural),
        namespace: object::namespace(&object).map(str::to_owned),
        name: object::name(&object).expect("a name").to_owned(),
    };
    let params = PostParams { field_manager: Some(manager.to_owned()), ..PostParams::default() };
    let path = filbert_kube::api::path(&key.resource, key.namespace.as_deref());
    let request = Request::new(path).create(&params, object.to_string().into_bytes()).expect("a request");
    let stored: Value =
        api.client().request(request).await.unwrap_or_else(|error| panic!("{key} cannot be put in: {error}"));
    Left { key, object: stored }
}
