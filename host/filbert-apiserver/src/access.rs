//! Who may do what: administrators everything, everybody else what roles and bindings say.

use crate::core::{Core, text};
use crate::error::Status;
use crate::message::{Call, User};
use crate::resource::{CollectionId, Resource};
use crate::route::Target;
use crate::store::Key;
use serde_json::Value;

const GROUP: &str = "rbac.authorization.k8s.io";

/// What somebody wants to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    pub(crate) verb: &'a str,
    pub(crate) group: &'a str,
    /// With the subresource: `pods/status`.
    pub(crate) resource: &'a str,
    pub(crate) namespace: Option<&'a str>,
    pub(crate) name: &'a str,
}

/// Refuses what the caller may not do.
pub(crate) fn check(core: &Core, call: &Call, target: &Target, resource: &Resource, verb: &str) -> Result<(), Status> {
    if call.user.is_administrator() {
        return Ok(());
    }
    if let Some(other) = call.headers.get("impersonate-user").and_then(|value| value.to_str().ok()) {
        let why = format!(
            "User {:?} cannot impersonate resource \"users\" in API group \"\" at the cluster scope",
            call.user.name
        );
        return Err(Status::forbidden("", "users", other, &why));
    }
    let part = target.subresource.as_ref().map(|part| format!("/{part}")).unwrap_or_default();
    let full = format!("{}{part}", resource.plural);
    let wish = Wish {
        verb,
        group: &resource.group,
        resource: &full,
        namespace: target.namespace.as_deref(),
        name: target.name.as_deref().unwrap_or_default(),
    };
    if may(core, &call.user, wish) { Ok(()) } else { Err(forbidden(&call.user.name, resource, wish)) }
}

/// Refuses a path that is no resource.
pub(crate) fn check_path(call: &Call) -> Result<(), Status> {
    let open = ["/version", "/healthz", "/readyz", "/livez", "/api", "/apis", "/openapi"];
    if call.user.is_administrator() || open.iter().any(|path| call.path.starts_with(path)) {
        return Ok(());
    }
    let message = format!(
        "forbidden: User {:?} cannot {} path {:?}",
        call.user.name,
        call.method.as_str().to_lowercase(),
        call.path
    );
    Err(Status::new(403, "Forbidden", message).with_details(serde_json::json!({})))
}

/// Questions about oneself that everybody with credentials may ask.
const OWN: [&str; 3] = ["selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"];

/// Whether roles and bindings allow it.
pub(crate) fn may(core: &Core, user: &User, wish: Wish<'_>) -> bool {
    if user.is_administrator() {
        return true;
    }
    if wish.verb == "create"
        && OWN.contains(&wish.resource)
        && user.groups.iter().any(|group| group == "system:authenticated")
    {
        return true;
    }
    let bindings = |plural: &str, namespace: Option<&str>| {
        core.store.list(&CollectionId::new(GROUP, plural), namespace, None).objects
    };
    let mut found: Vec<(Value, &str)> =
        bindings("clusterrolebindings", None).iter().map(|binding| (binding.value(), "")).collect();
    if let Some(namespace) = wish.namespace {
        found.extend(bindings("rolebindings", Some(namespace)).iter().map(|binding| (binding.value(), namespace)));
    }
    found.iter().filter(|(binding, namespace)| binds(binding, namespace, user)).any(|(binding, namespace)| {
        let name = text(binding, "/roleRef/name");
        let (plural, key) = match text(binding, "/roleRef/kind") {
            "Role" => ("roles", Key::new(namespace, name)),
            _ => ("clusterroles", Key::new("", name)),
        };
        let role = core.store.get(&CollectionId::new(GROUP, plural), &key).map(|role| role.value()).unwrap_or_default();
        let rules = role.get("rules").and_then(Value::as_array);
        rules.is_some_and(|rules| rules.iter().any(|rule| allows(rule, wish)))
    })
}

fn binds(binding: &Value, namespace: &str, user: &User) -> bool {
    let subjects = binding.get("subjects").and_then(Value::as_array);
    subjects.into_iter().flatten().any(|subject| {
        let name = text(subject, "/name");
        match text(subject, "/kind") {
            "User" => user.name == name,
            "Group" => user.groups.iter().any(|group| group == name),
            "ServiceAccount" => {
                let of = text(subject, "/namespace");
                let of = if of.is_empty() { namespace } else { of };
                user.name == format!("system:serviceaccount:{of}:{name}")
            }
            _ => false,
        }
    })
}

fn allows(rule: &Value, wish: Wish<'_>) -> bool {
    let list = |field: &str| rule.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let any = |field: &str, wanted: &str| list(field).any(|found| found == "*" || found == wanted);
    let part = wish.resource.split_once('/').map(|(_, part)| format!("*/{part}"));
    any("verbs", wish.verb)
        && any("apiGroups", wish.group)
        && (any("resources", wish.resource) || part.is_some_and(|part| list("resources").any(|found| found == part)))
        && (list("resourceNames").next().is_none() || list("resourceNames").any(|name| name == wish.name))
}

fn forbidden(user: &str, resource: &Resource, wish: Wish<'_>) -> Status {
    let scope = match wish.namespace {
        Some(namespace) => format!("in the namespace {namespace:?}"),
        None => "at the cluster scope".to_owned(),
    };
    let Wish { verb, group, resource: full, name, .. } = wish;
    let why = format!("User {user:?} cannot {verb} resource {full:?} in API group {group:?} {scope}");
    let mut status = Status::forbidden(group, &resource.plural, name, &why);
    if name.is_empty() {
        status.message = format!("{} is forbidden: {why}", crate::error::qualified(&resource.plural, group));
    }
    status
}
