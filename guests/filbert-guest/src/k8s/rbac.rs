//! Group `rbac.authorization.k8s.io`.

use super::{kinds, parts};

kinds! {
    /// What may be done in a namespace.
    Role("rbac.authorization.k8s.io", "v1", "roles") { rules: Vec<PolicyRule>, }
    /// Who may do it.
    RoleBinding("rbac.authorization.k8s.io", "v1", "rolebindings") { subjects: Vec<Subject>, role_ref: RoleRef, }
    /// What may be done in all namespaces.
    ClusterRole("rbac.authorization.k8s.io", "v1", "clusterroles") { rules: Vec<PolicyRule>, }
    /// Who may do it.
    ClusterRoleBinding("rbac.authorization.k8s.io", "v1", "clusterrolebindings") { subjects: Vec<Subject>, role_ref: RoleRef, }
}

parts! {
    /// Verbs on resources.
    PolicyRule { api_groups: Vec<String>, resources: Vec<String>, resource_names: Vec<String>, verbs: Vec<String>, }
    /// A user, group or service account.
    Subject { kind: String, name: String, namespace: String, api_group: String, }
    /// A role.
    RoleRef { api_group: String, kind: String, name: String, }
}

impl PolicyRule {
    /// Verbs on resources of one group.
    pub fn of(group: &str, resources: &[&str], verbs: &[&str]) -> Self {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        Self::new().api_groups(vec![group.to_owned()]).resources(owned(resources)).verbs(owned(verbs))
    }
}
