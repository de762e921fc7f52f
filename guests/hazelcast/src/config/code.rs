//! User code: what clients may bring along, and namespaces.

use hazelcast_api::hazelcast::{ClassFilter, ClassList, Spec};

use super::Node;

pub(super) fn deployment(spec: &Spec) -> Node {
    let enabled = spec.user_code_deployment.as_ref().and_then(|deployment| deployment.client_enabled);
    Node::new().with_some("enabled", enabled)
}

pub(super) fn namespaces(spec: &Spec) -> Node {
    let Some(namespaces) = &spec.user_code_namespaces else { return Node::new() };
    Node::new().with("enabled", true).with_any("class-filter", class_filter(namespaces.class_filter.as_ref()))
}

/// Which classes are let through. Members call the lists in the singular.
pub(super) fn class_filter(filter: Option<&ClassFilter>) -> Node {
    let Some(filter) = filter else { return Node::new() };
    let list = |list: &Option<ClassList>| {
        let list = list.clone().unwrap_or_default();
        Node::new()
            .with_any("class", list.classes.as_slice())
            .with_any("package", list.packages.as_slice())
            .with_any("prefix", list.prefixes.as_slice())
    };
    Node::new()
        .with("defaults-disabled", false)
        .with_any("blacklist", list(&filter.blacklist))
        .with_any("whitelist", list(&filter.whitelist))
}
