//! Who may connect, and what clients may do. Names and passwords come from Secrets, which is why the document is one itself.

use hazelcast_api::hazelcast::{Authentication, ClientPermissions, LoginModule, PropertiesSource};
use serde_json::Value;

use super::{Inputs, Node};

pub(super) fn section(of: &Inputs<'_>) -> Node {
    let Some(security) = &of.spec.security else { return Node::new() };
    let realms: Vec<_> = security
        .realms
        .iter()
        .map(|realm| {
            let authentication = realm.authentication.as_ref().map(|it| authentication(of, it)).unwrap_or_default();
            Node::new().with("name", realm.name.as_str()).with_any("authentication", authentication)
        })
        .collect();
    let clients = security.client_authentication.as_ref().map(|it| Node::new().with("realm", it.realm.as_str()));
    let permissions = security.client_permissions.as_ref().map(permissions).unwrap_or_default();
    Node::new()
        .with("enabled", true)
        .with_any("realms", realms)
        .with_some("client-authentication", clients)
        .with_any("client-permissions", permissions)
}

fn authentication(of: &Inputs<'_>, authentication: &Authentication) -> Node {
    let users = authentication.simple.iter().flat_map(|simple| &simple.users).map(|user| {
        let part = |key: &str| of.referred.text("Secret", &user.secret_name, key);
        Node::new()
            .with("username", part("username"))
            .with("password", part("password"))
            .with_any("roles", user.roles.as_slice())
    });
    let users = Node::new().with_any("users", users.collect::<Vec<_>>());
    let modules: Vec<_> = authentication.jaas.iter().map(|module| login_module(of, module)).collect();
    Node::new().with_any("simple", users).with_any("jaas", modules)
}

fn login_module(of: &Inputs<'_>, module: &LoginModule) -> Node {
    let mut properties = filbert_guest::k8s::Map::new();
    for (kind, name) in module.properties_from.iter().filter_map(source) {
        properties.extend(of.referred.all(kind, name));
    }
    properties.extend(module.properties.clone());
    let properties: Node = properties.into_iter().map(|(key, value)| (key, Node::from(value))).collect();
    Node::new()
        .with("class-name", module.class_name.as_str())
        .with("usage", word(&module.usage))
        .with_any("properties", properties)
}

/// Kind and name of a source of properties.
pub(crate) fn source(source: &PropertiesSource) -> Option<(&'static str, &str)> {
    let named = |kind, reference: &'_ Option<hazelcast_api::shapes::LocalReference>| {
        reference
            .as_ref()
            .and_then(|reference| reference.name.as_ref())
            .is_some_and(|name| !name.is_empty())
            .then_some(kind)
    };
    let (kind, reference) = match named("ConfigMap", &source.config_map_ref) {
        Some(kind) => (kind, &source.config_map_ref),
        None => (named("Secret", &source.secret_ref)?, &source.secret_ref),
    };
    Some((kind, reference.as_ref()?.name.as_deref()?))
}

fn permissions(permissions: &ClientPermissions) -> Node {
    let on_join = permissions.on_join_operation.as_ref().map(word);
    let node = Node::new()
        .with_some("priority-grant", permissions.priority_grant)
        .with_some("on-join-operation", on_join)
        .with_some("all", permissions.all.as_ref().map(node));
    permissions
        .permissions
        .iter()
        .fold(node, |node, (kind, entries)| node.with(&kebab(kind), entries.iter().map(self::node).collect::<Vec<_>>()))
}

/// As people wrote it.
fn node(value: &Value) -> Node {
    match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (kebab(key), node(value))).collect(),
        Value::Array(items) => Node::List(items.iter().map(node).collect()),
        Value::String(text) => text.as_str().into(),
        Value::Bool(is_so) => (*is_so).into(),
        other => Node::Plain(other.to_string()),
    }
}

/// `userCodeDeployment` as members write it: `user-code-deployment`.
fn kebab(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

/// One of the words that the schema knows.
fn word(choice: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(choice).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
