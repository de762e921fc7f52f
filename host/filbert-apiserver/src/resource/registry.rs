//! The resources served at one moment.

use super::{CollectionId, Custom, Resource, ScalePaths, Subresource, table};
use crate::crd::CrdVersion;
use crate::merge::MergeSchema;
use crate::store::type_prefix;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

/// A group and its versions, the preferred one first.
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) versions: Vec<String>,
}

/// Everything served; replaced as a whole when a definition changes.
pub(crate) struct Registry {
    by_path: HashMap<(String, String, String), Arc<Resource>>,
    ordered: Vec<Arc<Resource>>,
    /// The core group has an empty name and comes first.
    pub(crate) groups: Vec<Group>,
}

impl Registry {
    /// The built-in resources and those of `definitions` (established ones, by name).
    pub(crate) fn new(definitions: &BTreeMap<String, Vec<Arc<Resource>>>) -> Self {
        static BUILTIN: OnceLock<Vec<Arc<Resource>>> = OnceLock::new();
        let mut ordered = BUILTIN.get_or_init(table::builtin).clone();
        let builtin = ordered.len();
        ordered.extend(definitions.values().flatten().cloned());
        let mut groups: Vec<Group> = Vec::new();
        for (index, resource) in ordered.iter().enumerate() {
            let place = groups.iter().position(|group| group.name == resource.group).unwrap_or_else(|| {
                groups.push(Group { name: resource.group.clone(), versions: Vec::new() });
                groups.len() - 1
            });
            if let Some(group) = groups.get_mut(place)
                && !group.versions.contains(&resource.version)
            {
                group.versions.push(resource.version.clone());
                if index >= builtin {
                    group.versions.sort_by(|a, b| compare_versions(b, a));
                }
            }
        }
        let by_path = ordered
            .iter()
            .map(|resource| {
                ((resource.group.clone(), resource.version.clone(), resource.plural.clone()), resource.clone())
            })
            .collect();
        Self { by_path, ordered, groups }
    }

    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Resource>> {
        self.by_path.get(&(group.to_owned(), version.to_owned(), plural.to_owned()))
    }

    /// The resource in any version that keeps its objects in `collection`.
    pub(crate) fn of_collection(&self, collection: &CollectionId) -> Option<&Arc<Resource>> {
        self.ordered.iter().find(|resource| *resource.collection == *collection)
    }

    /// The resource in all versions that keep their objects in `collection`.
    pub(crate) fn equivalents<'a>(&'a self, collection: &'a CollectionId) -> impl Iterator<Item = &'a Arc<Resource>> {
        self.ordered.iter().filter(move |resource| *resource.collection == *collection)
    }

    pub(crate) fn of_kind(&self, group: &str, version: &str, kind: &str) -> Option<&Arc<Resource>> {
        self.ordered
            .iter()
            .find(|resource| resource.kind == kind && resource.group == group && resource.version == version)
    }

    pub(crate) fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// Whether the server has kinds of its own in a group.
    pub(crate) fn is_builtin_group(&self, name: &str) -> bool {
        self.ordered.iter().any(|resource| resource.group == name && resource.custom.is_none())
    }

    pub(crate) fn of_version<'a>(
        &'a self,
        group: &'a str,
        version: &'a str,
    ) -> impl Iterator<Item = &'a Arc<Resource>> {
        self.ordered.iter().filter(move |resource| resource.group == group && resource.version == version)
    }
}

/// `v2` before `v1` before `v1beta1` before `v1alpha1` before everything else by name.
fn compare_versions(a: &str, b: &str) -> std::cmp::Ordering {
    fn parse(version: &str) -> Option<(u8, u64, u64)> {
        let rest = version.strip_prefix('v')?;
        for (rank, word) in [(1, "beta"), (0, "alpha")] {
            if let Some((major, minor)) = rest.split_once(word) {
                return Some((rank, major.parse().ok()?, minor.parse().ok()?));
            }
        }
        Some((2, rest.parse().ok()?, 0))
    }
    match (parse(a), parse(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => std::cmp::Ordering::Greater,
        (None, Some(_)) => std::cmp::Ordering::Less,
        (None, None) => b.cmp(a),
    }
}

/// What is told about a version that is deprecated: to use the newest served one that is not, where it is newer.
fn deprecation(definition: &Value, version: &str) -> String {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (group, kind) = (text("/spec/group"), text("/spec/names/kind"));
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array);
    let is = |version: &Value, flag: &str| version.get(flag) == Some(&Value::Bool(true));
    let newest = versions
        .into_iter()
        .flatten()
        .filter(|other| is(other, "served") && !is(other, "deprecated"))
        .filter_map(|other| other.get("name")?.as_str())
        .filter(|other| compare_versions(version, other).is_lt())
        .max_by(|a, b| compare_versions(a, b));
    let said = format!("{group}/{version} {kind} is deprecated");
    newest.map_or_else(|| said.clone(), |newest| format!("{said}; use {group}/{newest} {kind}"))
}

/// Verbs of custom resources, in the order in which discovery lists them.
const CUSTOM_VERBS: [&str; 8] = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];

/// The resources of a definition: one for each served version whose schema compiles.
///
/// `stamp` tells this state of the definition from all others.
pub(crate) fn of_definition(definition: &Value, stamp: u64) -> Vec<Arc<Resource>> {
    let text = |pointer: &str| definition.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let words = |pointer: &str| -> Vec<String> {
        definition
            .pointer(pointer)
            .and_then(Value::as_array)
            .map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let (group, plural, kind) = (text("/spec/group"), text("/spec/names/plural"), text("/spec/names/kind"));
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array).cloned().unwrap_or_default();
    let name_of = |version: &Value| version.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let is = |version: &Value, key: &str| version.get(key).and_then(Value::as_bool).unwrap_or(false);
    let storage_version = versions.iter().find(|version| is(version, "storage")).map(name_of).unwrap_or_default();
    let collection = Arc::new(CollectionId::new(&group, &plural));
    // Ownership of one manager can be recorded in several versions, so each version's merging knows the others.
    let merges: Vec<(String, MergeSchema)> = versions
        .iter()
        .map(|version| {
            let mut merge =
                MergeSchema::from_crd_schema(version.pointer("/schema/openAPIV3Schema").unwrap_or(&Value::Null))
                    .with_kind(&kind);
            if version.pointer("/subresources/status").is_some() {
                merge = merge.with_status_subresource();
            }
            (format!("{group}/{}", name_of(version)), merge)
        })
        .collect();
    let schemas: BTreeMap<String, CrdVersion> = versions
        .iter()
        .map(name_of)
        .filter_map(|name| Some((format!("{group}/{name}"), CrdVersion::compile(definition, &name).ok()?)))
        .collect();
    let schemas = Arc::new(schemas);
    let mut resources = Vec::new();
    for version in versions.iter().filter(|version| is(version, "served")) {
        let version_name = name_of(version);
        let own = format!("{group}/{version_name}");
        let Some(schema) = schemas.get(&own).cloned() else { continue };
        let Some((_, merge)) = merges.iter().find(|(name, _)| *name == own) else { continue };
        let merge = merges
            .iter()
            .filter(|(name, _)| *name != own)
            .fold(merge.clone(), |merge, (name, other)| merge.with_version(name, other.clone()));
        let has_status = version.pointer("/subresources/status").is_some();
        let scale = version.pointer("/subresources/scale").map(|scale| {
            let path = |key: &str| scale.get(key).and_then(Value::as_str).map(str::to_owned);
            ScalePaths {
                spec_replicas: path("specReplicasPath").unwrap_or_default(),
                status_replicas: path("statusReplicasPath").unwrap_or_default(),
                label_selector: path("labelSelectorPath"),
            }
        });
        let verbs = || ["get", "patch", "update"].map(str::to_owned).to_vec();
        let mut subresources = Vec::new();
        if has_status {
            subresources.push(Subresource {
                name: "status".to_owned(),
                kind: kind.clone(),
                group: String::new(),
                version: String::new(),
                verbs: verbs(),
            });
        }
        if scale.is_some() {
            subresources.push(Subresource {
                name: "scale".to_owned(),
                kind: "Scale".to_owned(),
                group: "autoscaling".to_owned(),
                version: "v1".to_owned(),
                verbs: verbs(),
            });
        }
        let deprecation = is(version, "deprecated").then(|| {
            version
                .get("deprecationWarning")
                .and_then(Value::as_str)
                .map_or_else(|| deprecation(definition, &version_name), str::to_owned)
        });
        resources.push(Arc::new(Resource {
            group: group.clone(),
            version: version_name,
            plural: plural.clone(),
            singular: text("/spec/names/singular"),
            kind: kind.clone(),
            list_kind: text("/spec/names/listKind"),
            namespaced: text("/spec/scope") == "Namespaced",
            verbs: CUSTOM_VERBS.map(str::to_owned).to_vec(),
            short_names: words("/spec/names/shortNames"),
            categories: words("/spec/names/categories"),
            subresources,
            storage: (group.clone(), storage_version.clone()),
            collection: collection.clone(),
            type_prefix: type_prefix(&kind, &own),
            merge: OnceLock::from(Some(merge)),
            custom: Some(Arc::new(Custom {
                schema,
                versions: schemas.clone(),
                scale,
                columns: version.get("additionalPrinterColumns").and_then(Value::as_array).cloned().unwrap_or_default(),
                selectable: version
                    .get("selectableFields")
                    .and_then(Value::as_array)
                    .map(|fields| {
                        fields
                            .iter()
                            .filter_map(|field| field.get("jsonPath").and_then(Value::as_str))
                            .map(|path| path.trim_start_matches('.').to_owned())
                            .collect()
                    })
                    .unwrap_or_default(),
                open_api: version.pointer("/schema/openAPIV3Schema").cloned().unwrap_or(Value::Null),
                deprecation,
                stamp,
            })),
        }));
    }
    resources
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_versions_come_before_earlier_stages() {
        let mut versions = vec!["foo1", "v1alpha2", "v2", "v1beta1", "v10", "v1"];
        versions.sort_by(|a, b| compare_versions(b, a));
        assert_eq!(versions, ["v10", "v2", "v1", "v1beta1", "v1alpha2", "foo1"]);
    }
}
