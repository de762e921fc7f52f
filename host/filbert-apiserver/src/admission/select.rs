//! Which webhooks a write concerns.

use super::configuration::{GROUP, Hook, Rule};
use super::{Operation, Request};
use crate::core::Core;
use crate::crd::Variables;
use crate::error::Status;
use crate::resource::{CollectionId, Resource};
use crate::selector::LabelSelector;
use crate::store::Key;
use serde_json::Value;
use std::sync::Arc;

/// A webhook that is to be called, and the resource by which its rule knows the object.
pub(super) struct Invocation<'a> {
    pub(super) hook: &'a Hook,
    /// The resource of the request, or another version of it.
    pub(super) resource: Shown<'a>,
}

/// A resource of the request itself or of the registry.
pub(super) enum Shown<'a> {
    Requested(&'a Resource),
    Equivalent(Arc<Resource>),
}

impl std::ops::Deref for Shown<'_> {
    type Target = Resource;

    fn deref(&self) -> &Resource {
        match self {
            Self::Requested(resource) => resource,
            Self::Equivalent(resource) => resource,
        }
    }
}

impl Invocation<'_> {
    fn converts(&self, request: &Request<'_>) -> bool {
        matches!(self.resource, Shown::Equivalent(_)) && request.has_versions()
    }

    /// An object of the request in the version that the webhook wants.
    pub(super) fn show(&self, request: &Request<'_>, object: &Value) -> Value {
        let mut shown = object.clone();
        if self.converts(request) && !shown.is_null() {
            self.resource.adopt(&mut shown);
        }
        shown
    }

    /// The other way round, for what the webhook made of it.
    pub(super) fn take_back(&self, request: &Request<'_>, object: &mut Value) {
        if self.converts(request) {
            request.resource.adopt(object);
        }
    }
}

/// Configurations of admission are not subject to it: a webhook could make itself irremovable.
pub(super) fn is_exempt(resource: &Resource) -> bool {
    resource.group == GROUP
}

/// The call of a webhook that a write makes necessary; `None` for most.
///
/// The error is that of a condition that cannot be told.
pub(super) fn invocation<'a>(
    core: &Core,
    request: &Request<'a>,
    hook: &'a Hook,
    object: &Value,
) -> Result<Option<Invocation<'a>>, Status> {
    let Some(resource) = matched(core, request, hook) else { return Ok(None) };
    if !in_namespace(core, request, &hook.namespaces, object) || !is_labelled(request, &hook.objects, object) {
        return Ok(None);
    }
    let invocation = Invocation { hook, resource };
    Ok(meets_conditions(request, &invocation, object)?.then_some(invocation))
}

fn matched<'a>(core: &Core, request: &Request<'a>, hook: &Hook) -> Option<Shown<'a>> {
    let wanted = |resource: &Resource| hook.rules.iter().any(|rule| matches(rule, request, resource));
    if wanted(request.resource) {
        return Some(Shown::Requested(request.resource));
    }
    if !hook.takes_equivalents {
        return None;
    }
    let registry = core.registry();
    let own = request.resource.api_version();
    let equivalent =
        registry.equivalents(&request.resource.collection).find(|other| other.api_version() != own && wanted(other))?;
    Some(Shown::Equivalent(equivalent.clone()))
}

fn matches(rule: &Rule, request: &Request<'_>, resource: &Resource) -> bool {
    let names = |list: &[String], name: &str| list.iter().any(|found| found == "*" || found == name);
    // A namespace has a namespace to some, but is none of its contents.
    let is_namespaced = !request.namespace.is_empty() && !request.resource.is("", "Namespace");
    names(&rule.groups, &resource.group)
        && names(&rule.versions, &resource.version)
        && names(&rule.operations, request.operation.name())
        && match rule.scope.as_str() {
            "Namespaced" => is_namespaced,
            "Cluster" => !is_namespaced,
            _ => true,
        }
        && rule.resources.iter().any(|(name, part)| {
            (name == "*" || *name == resource.plural) && (part == "*" || part == request.subresource)
        })
}

/// Whether the object's namespace has the labels; cluster-scoped objects are never left out by this.
fn in_namespace(core: &Core, request: &Request<'_>, selector: &LabelSelector, object: &Value) -> bool {
    if selector.is_empty() {
        return true;
    }
    let name = if request.resource.is("", "Namespace") {
        if matches!(request.operation, Operation::Create | Operation::Update) {
            return has_labels(selector, object);
        }
        request.old.map_or(request.name, |old| crate::core::text(old, "/metadata/name"))
    } else {
        request.namespace
    };
    if name.is_empty() {
        return true;
    }
    let namespaces = CollectionId::new("", "namespaces");
    let namespace = core.store.get(&namespaces, &Key::new("", name));
    selector.matches_with(|label| namespace.as_ref().and_then(|namespace| namespace.label(label)))
}

fn is_labelled(request: &Request<'_>, selector: &LabelSelector, object: &Value) -> bool {
    selector.is_empty() || has_labels(selector, object) || request.old.is_some_and(|old| has_labels(selector, old))
}

/// An object without metadata has no labels that could be selected, not even by their absence.
fn has_labels(selector: &LabelSelector, object: &Value) -> bool {
    let Some(metadata) = object.get("metadata") else { return false };
    let labels = metadata.get("labels");
    selector.matches_with(|name| labels.and_then(|labels| labels.get(name)).and_then(Value::as_str))
}

/// One condition that does not hold is enough, whatever becomes of the others.
fn meets_conditions(request: &Request<'_>, invocation: &Invocation<'_>, object: &Value) -> Result<bool, Status> {
    let hook = invocation.hook;
    if hook.conditions.is_empty() {
        return Ok(true);
    }
    let shown = invocation.show(request, object);
    let old = request.old.map(|old| invocation.show(request, old)).unwrap_or_default();
    let described = super::review::describe(request, invocation);
    let variables = Variables { object: &shown, old: &old, request: &described };
    let mut failed = Vec::new();
    for condition in &hook.conditions {
        match condition.holds(&variables) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(why) => failed.push(why),
        }
    }
    let why = match failed.as_slice() {
        [] => return Ok(true),
        _ if hook.ignores_failure => return Ok(false),
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    Err(Status::forbidden(&request.resource.group, &request.resource.plural, request.name, &why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::Origin;
    use crate::resource::Registry;
    use std::collections::BTreeMap;

    fn rule(text: &str) -> Rule {
        let words = |cell: &str| cell.split(',').map(str::to_owned).collect::<Vec<_>>();
        let cells: Vec<&str> = text.split(' ').collect();
        let [groups, versions, resources, operations, scope] = cells.try_into().expect("five cells");
        Rule {
            groups: words(groups),
            versions: words(versions),
            resources: words(resources)
                .iter()
                .map(|it| it.split_once('/').unwrap_or((it, "")))
                .map(|(name, part)| (name.to_owned(), part.to_owned()))
                .collect(),
            operations: words(operations),
            scope: scope.to_owned(),
        }
    }

    /// Whether a rule takes an update in `apps/v1`, or of what is named.
    fn takes(text: &str, plural: &str, subresource: &str, namespace: &str) -> bool {
        let registry = Registry::new(&BTreeMap::new());
        let group = if plural == "deployments" { "apps" } else { "" };
        let resource = registry.find(group, "v1", plural).expect("a built-in resource");
        let origin = Origin::controller("pilot");
        let request = Request {
            origin: &origin,
            operation: Operation::Update,
            resource,
            subresource,
            namespace,
            name: "tide",
            old: None,
            options: &Value::Null,
            dry_run: false,
        };
        matches(&rule(text), &request, resource)
    }

    #[test]
    fn rules_take_what_they_name() {
        for (text, expected) in [
            ("apps v1 deployments UPDATE *", true),
            ("* * * * *", true),
            ("apps v1 deployments,configmaps CREATE,UPDATE Namespaced", true),
            ("apps v1 deployments UPDATE Cluster", false),
            ("apps v1 deployments CREATE,DELETE *", false),
            ("apps v1beta1 deployments UPDATE *", false),
            ("batch v1 deployments UPDATE *", false),
            ("apps v1 deployments/status UPDATE *", false),
            ("apps v1 deployments/* UPDATE *", true),
            ("apps v1 */* UPDATE *", true),
        ] {
            assert_eq!(takes(text, "deployments", "", "harbor"), expected, "{text}");
        }
    }

    #[test]
    fn subresources_are_named_apart() {
        for (text, expected) in [
            ("apps v1 * UPDATE *", false),
            ("apps v1 deployments UPDATE *", false),
            ("apps v1 deployments/scale UPDATE *", true),
            ("apps v1 */scale UPDATE *", true),
            ("apps v1 deployments/status UPDATE *", false),
        ] {
            assert_eq!(takes(text, "deployments", "scale", "harbor"), expected, "{text}");
        }
    }

    #[test]
    fn a_namespace_is_an_object_of_the_cluster() {
        assert!(takes("* v1 namespaces UPDATE Cluster", "namespaces", "", "harbor"));
        assert!(!takes("* v1 namespaces UPDATE Namespaced", "namespaces", "", "harbor"));
    }
}
