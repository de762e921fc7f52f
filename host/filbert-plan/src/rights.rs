//! What the operator must be allowed by an API server so that the modules in service can do what they are granted, as
//! rules of roles. Nothing wider: what no grant names is in no rule.
//!
//! Grants are narrower than roles can be: these know no labels, and of names only whole ones. Where a grant has labels or
//! a pattern of names, the rule covers all objects of the type, and the host alone holds the module to its grant.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use crate::definition;
use crate::grant::{Grants, Namespaces, ObjectGrant, Verb};
use crate::object::ResourceType;

/// Which operator it is about. What it keeps for itself it calls after itself.
#[derive(Debug, Clone, Copy)]
pub struct Operator<'a> {
    /// Its name, which is also that of its lease and of its webhook configurations.
    pub name: &'a str,
    /// Where it runs.
    pub namespace: &'a str,
}

/// Where resources are reconciled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// In all namespaces.
    Everywhere,
    /// In this one only.
    Namespace(String),
}

/// What one pipeline needs.
#[derive(Debug, Clone)]
pub struct Served<'a> {
    /// Whose objects it serves.
    pub resource: &'a ResourceType,
    /// Whether anything is done for them. A pipeline without steps only answers reviews, and reads no object itself.
    pub has_steps: bool,
    /// What each of its modules may do.
    pub grants: Vec<&'a Grants>,
}

/// One rule of a `Role` or `ClusterRole`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// One group; the core group is empty.
    pub api_groups: [String; 1],
    /// Plural names, with sub-resources (`pods/status`).
    pub resources: Vec<String>,
    /// Only objects of these names; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resource_names: Vec<String>,
    /// In the order in which people write them.
    pub verbs: Vec<&'static str>,
}

/// Rules by where they hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// For cluster-scoped objects, and for all namespaces: a `ClusterRole`.
    pub cluster: Vec<Rule>,
    /// For single namespaces: a `Role` in each.
    pub namespaces: BTreeMap<String, Vec<Rule>>,
}

/// Verbs as people order them.
const ORDER: [&str; 7] = ["get", "list", "watch", "create", "update", "patch", "delete"];

const READ: &[&str] = &["get", "list", "watch"];
/// Server-side apply is a patch, and a creation where there is nothing yet.
const CREATE: &[&str] = &["create"];
const CHANGE: &[&str] = &["patch"];
const DELETE: &[&str] = &["delete"];

/// A place (nothing for the whole cluster), a group, a resource, and the one name that is meant.
type Slot = (Option<String>, String, String, Option<String>);

#[derive(Default)]
struct Needs(BTreeMap<Slot, BTreeSet<&'static str>>);

impl Needs {
    fn add(&mut self, place: Option<&str>, group: &str, resource: &str, name: Option<&str>, verbs: &[&'static str]) {
        let own = |text: &str| text.to_owned();
        let slot = (place.map(own), own(group), own(resource), name.map(own));
        self.0.entry(slot).or_default().extend(verbs);
    }

    /// One rule for all resources of a group that may be treated alike; what holds for all objects is not said again for
    /// one, and what holds for all namespaces not for one of them.
    fn into_rights(self) -> Rights {
        let mut alike: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for ((place, group, resource, name), verbs) in &self.0 {
            let of_all = |place: &Option<String>, name: &Option<String>| {
                self.0.get(&(place.clone(), group.clone(), resource.clone(), name.clone()))
            };
            let mut wider: BTreeSet<&str> = BTreeSet::new();
            if name.is_some() {
                wider.extend(of_all(place, &None).into_iter().flatten());
            }
            if place.is_some() {
                wider.extend(of_all(&None, &None).into_iter().flatten());
                wider.extend(of_all(&None, name).into_iter().flatten());
            }
            let left: Vec<_> = ORDER.into_iter().filter(|verb| verbs.contains(verb) && !wider.contains(verb)).collect();
            if !left.is_empty() {
                alike.entry((place, group, name, left)).or_default().push(resource.clone());
            }
        }
        let mut rights = Rights::default();
        for ((place, group, name, verbs), resources) in alike {
            let resource_names = name.iter().cloned().collect();
            let rule = Rule { api_groups: [group.clone()], resources, resource_names, verbs };
            match place {
                Some(namespace) => rights.namespaces.entry(namespace.clone()).or_default().push(rule),
                None => rights.cluster.push(rule),
            }
        }
        rights
    }
}

/// What the operator needs to serve these pipelines.
pub fn needed<'a>(pipelines: impl IntoIterator<Item = Served<'a>>, scope: &Scope, operator: Operator<'_>) -> Rights {
    let mut needs = Needs::default();
    let served = match scope {
        Scope::Everywhere => None,
        Scope::Namespace(name) => Some(name.as_str()),
    };
    for Served { resource, has_steps, grants } in pipelines {
        let ResourceType { group, plural, .. } = resource;
        if has_steps {
            // Finalizers and adoption are patches of the object.
            needs.add(served, group, plural, None, READ);
            needs.add(served, group, plural, None, CHANGE);
            needs.add(served, group, &format!("{plural}/status"), None, CHANGE);
            // Where the API server enforces it, who makes owners block the deletion of what they own must be able to do this.
            needs.add(served, group, &format!("{plural}/finalizers"), None, &["update"]);
            needs.add(served, "", "events", None, CREATE);
        }
        for grant in grants.into_iter().flat_map(Grants::objects) {
            of_grant(&mut needs, grant, served);
        }
    }
    of_operator(&mut needs, operator);
    needs.into_rights()
}

fn of_grant(needs: &mut Needs, grant: &ObjectGrant, served: Option<&str>) {
    let ResourceType { group, plural, .. } = &grant.resource;
    let places: Vec<Option<&str>> = match &grant.within {
        Namespaces::Here => vec![served],
        Namespaces::All => vec![None],
        Namespaces::Named(names) => names.iter().map(|name| Some(name.as_str())).collect(),
        Namespaces::HereIn(names) => {
            let names = names.iter().map(|name| Some(name.as_str()));
            names.filter(|name| served.is_none() || served == *name).collect()
        }
    };
    let is_pattern = |name: &String| name.contains("{name}") || name.ends_with('*');
    let names: Vec<Option<&str>> = if grant.names.is_empty() || grant.names.iter().any(is_pattern) {
        vec![None]
    } else {
        grant.names.iter().map(|name| Some(name.as_str())).collect()
    };
    for place in places {
        for name in &names {
            let mut add = |name, verbs| needs.add(place, group, plural, name, verbs);
            for verb in &grant.verbs {
                match verb {
                    Verb::Read => add(*name, READ),
                    Verb::Apply => {
                        // What was applied is watched, to put it right. A creation has no name that a role could hold it to.
                        add(*name, READ);
                        add(*name, CHANGE);
                        add(None, CREATE);
                    }
                    Verb::Delete => add(*name, DELETE),
                }
            }
        }
    }
}

/// What the operator needs for itself: a lease, certificates, its webhook configurations, components from a ConfigMap, and to say
/// in the cluster what is in service.
fn of_operator(needs: &mut Needs, Operator { name, namespace }: Operator<'_>) {
    for kind in [definition::modules(), definition::pipelines()] {
        let ResourceType { group, plural, .. } = &kind;
        for verbs in [READ, CREATE, CHANGE, DELETE] {
            needs.add(None, group, plural, None, verbs);
        }
        needs.add(None, group, &format!("{plural}/status"), None, CHANGE);
    }
    for plural in ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"] {
        let group = "admissionregistration.k8s.io";
        needs.add(None, group, plural, None, CREATE);
        for verbs in [READ, CHANGE, DELETE] {
            needs.add(None, group, plural, Some(name), verbs);
        }
    }
    // What they go with when the operator is removed.
    needs.add(None, "rbac.authorization.k8s.io", "clusterroles", Some(name), &["get"]);
    let home = Some(namespace);
    let (certificates, modules) = (format!("{name}-certificates"), format!("{name}-modules"));
    needs.add(home, "coordination.k8s.io", "leases", None, CREATE);
    needs.add(home, "coordination.k8s.io", "leases", Some(name), &["get", "update"]);
    needs.add(home, "", "secrets", None, CREATE);
    for verbs in [READ, &["update"]] {
        needs.add(home, "", "secrets", Some(&certificates), verbs);
    }
    needs.add(home, "", "configmaps", Some(&modules), READ);
    // Events about modules and pipelines, which are in no namespace, are written there.
    needs.add(Some("default"), "", "events", None, CREATE);
}

impl Rights {
    /// These rights as objects: roles of the operator's name, bound to the service account of the same name.
    pub fn objects(&self, Operator { name, namespace }: Operator<'_>) -> Vec<Value> {
        let labels = json!({"app.kubernetes.io/name": "filbert", "app.kubernetes.io/instance": name});
        let group = "rbac.authorization.k8s.io";
        let subjects = json!([{"kind": "ServiceAccount", "name": name, "namespace": namespace}]);
        let pair = |prefix: &str, place: Option<&String>, rules: &[Rule]| {
            let mut metadata = json!({"name": name, "labels": labels});
            if let (Some(place), Some(fields)) = (place, metadata.as_object_mut()) {
                fields.insert("namespace".to_owned(), place.clone().into());
            }
            let kind = format!("{prefix}Role");
            [
                json!({"apiVersion": format!("{group}/v1"), "kind": kind, "metadata": metadata, "rules": rules}),
                json!({
                    "apiVersion": format!("{group}/v1"), "kind": format!("{kind}Binding"), "metadata": metadata,
                    "roleRef": {"apiGroup": group, "kind": kind, "name": name}, "subjects": subjects,
                }),
            ]
        };
        let mut objects = Vec::new();
        if !self.cluster.is_empty() {
            objects.extend(pair("Cluster", None, &self.cluster));
        }
        for (namespace, rules) in &self.namespaces {
            objects.extend(pair("", Some(namespace), rules));
        }
        objects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILBERT: Operator<'_> = Operator { name: "filbert", namespace: "ops" };

    fn grants(value: Value) -> Grants {
        serde_json::from_value(value).expect("grants")
    }

    fn widgets() -> ResourceType {
        ResourceType::new("example.dev", "v1", "widgets")
    }

    /// `verbs group/resources[names]`, a line each.
    fn lines(rules: &[Rule]) -> Vec<String> {
        let line = |rule: &Rule| {
            let names =
                if rule.resource_names.is_empty() { String::new() } else { format!(" {:?}", rule.resource_names) };
            format!("{} {}/{}{names}", rule.verbs.join(","), rule.api_groups[0], rule.resources.join(","))
        };
        rules.iter().map(line).collect()
    }

    fn of(grants: &Grants, scope: &Scope) -> Rights {
        let resource = widgets();
        needed([Served { resource: &resource, has_steps: true, grants: vec![grants] }], scope, FILBERT)
    }

    fn has(rules: &[Rule], line: &str) -> bool {
        lines(rules).iter().any(|found| found == line)
    }

    #[test]
    fn each_verb_of_a_grant_becomes_the_verbs_that_the_host_uses_for_it() {
        let grants = grants(json!([
            {"objects": {"resource": {"group": "", "version": "v1", "plural": "pods"}, "verbs": ["read"]}},
            {"objects": {"resource": {"group": "apps", "version": "v1", "plural": "statefulsets"}, "verbs": ["read", "apply", "delete"]}},
        ]));
        let rights = of(&grants, &Scope::Everywhere);
        assert!(has(&rights.cluster, "get,list,watch /pods"), "{:#?}", lines(&rights.cluster));
        assert!(has(&rights.cluster, "get,list,watch,create,patch,delete apps/statefulsets"));
        assert!(has(&rights.cluster, "get,list,watch,patch example.dev/widgets"));
        assert!(has(&rights.cluster, "update example.dev/widgets/finalizers"));
        assert!(has(&rights.cluster, "patch example.dev/widgets/status"));
        assert!(has(&rights.cluster, "create /events"));
    }

    #[test]
    fn names_that_are_whole_stay_names_except_for_creation() {
        let grants = grants(json!([{"objects": {
            "resource": {"group": "", "version": "v1", "plural": "configmaps"}, "verbs": ["apply"], "names": ["motd"],
        }}]));
        let rights = of(&grants, &Scope::Everywhere);
        assert!(has(&rights.cluster, "create /configmaps,events"), "{:#?}", lines(&rights.cluster));
        assert!(has(&rights.cluster, r#"get,list,watch,patch /configmaps ["motd"]"#));
    }

    #[test]
    fn patterns_of_names_cover_the_type() {
        let grants = grants(json!([{"objects": {
            "resource": {"group": "", "version": "v1", "plural": "services"}, "verbs": ["read"], "names": ["{name}-*"],
        }}]));
        assert!(has(&of(&grants, &Scope::Everywhere).cluster, "get,list,watch /services"));
    }

    #[test]
    fn a_watched_namespace_gets_a_role_and_the_cluster_only_what_has_no_namespace() {
        let grants = grants(json!([
            {"objects": {"resource": {"group": "", "version": "v1", "plural": "pods"}, "verbs": ["read"]}},
            {"objects": {"resource": {"group": "", "version": "v1", "plural": "nodes"}, "verbs": ["read"], "within": "all"}},
            {"objects": {"resource": {"group": "", "version": "v1", "plural": "secrets"}, "verbs": ["read"], "within": {"named": ["vault"]}}},
        ]));
        let rights = of(&grants, &Scope::Namespace("blue".to_owned()));
        assert!(has(&rights.namespaces["blue"], "get,list,watch /pods"), "{:#?}", rights.namespaces);
        assert!(has(&rights.namespaces["blue"], "get,list,watch,patch example.dev/widgets"));
        assert!(has(&rights.namespaces["vault"], "get,list,watch /secrets"));
        assert!(has(&rights.cluster, "get,list,watch /nodes"));
        let in_cluster = lines(&rights.cluster).join("\n");
        for absent in ["pods", "widgets", "secrets", "events"] {
            assert!(!in_cluster.contains(absent), "{in_cluster}");
        }
    }

    #[test]
    fn a_pipeline_without_steps_needs_nothing_of_its_kind() {
        let resource = widgets();
        let served = Served { resource: &resource, has_steps: false, grants: Vec::new() };
        let rights = needed([served], &Scope::Everywhere, FILBERT);
        assert!(!lines(&rights.cluster).join("\n").contains("widgets"));
    }

    #[test]
    fn what_holds_everywhere_is_not_said_again() {
        let grants = grants(json!([
            {"objects": {"resource": {"group": "", "version": "v1", "plural": "secrets"}, "verbs": ["read", "apply"], "within": "all"}},
        ]));
        let rights = of(&grants, &Scope::Everywhere);
        let of_secrets: Vec<_> =
            lines(&rights.namespaces["ops"]).into_iter().filter(|line| line.contains("secrets")).collect();
        assert_eq!(of_secrets, [r#"update /secrets ["filbert-certificates"]"#], "the rest is allowed everywhere");
        assert!(!rights.namespaces.contains_key("default"), "events are written everywhere");
    }

    #[test]
    fn objects_bind_each_role_to_the_service_account() {
        let rights = of(&Grants::default(), &Scope::Namespace("blue".to_owned()));
        let objects = rights.objects(FILBERT);
        let kinds: Vec<_> = objects.iter().map(|object| object["kind"].as_str().expect("a kind")).collect();
        assert_eq!(kinds[..2], ["ClusterRole", "ClusterRoleBinding"]);
        assert_eq!(kinds.iter().filter(|kind| **kind == "Role").count(), rights.namespaces.len());
        for binding in objects.iter().filter(|object| object.get("roleRef").is_some()) {
            assert_eq!(binding["subjects"], json!([{"kind": "ServiceAccount", "name": "filbert", "namespace": "ops"}]));
        }
    }
}
