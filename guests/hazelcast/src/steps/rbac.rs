//! Whom members act as, and what they may read: the pods, endpoints and services by which they find each other.

use filbert_guest::k8s::{PolicyRule, Role, RoleBinding, RoleRef, ServiceAccount, Subject};
use filbert_guest::{Context, Metadata, Plan, ResourceType, Step, StepResult};
use hazelcast_api::Hazelcast;
use serde::Deserialize;

use super::labels;
use crate::names::{self, LABEL_MANAGED_BY, MANAGED_BY};

/// Cluster-scoped objects that earlier operators made and that nothing but a finalizer can remove.
pub const LEFT_BEHIND: [ResourceType; 2] = [
    ResourceType::new("rbac.authorization.k8s.io", "v1", "clusterroles"),
    ResourceType::new("rbac.authorization.k8s.io", "v1", "clusterrolebindings"),
];

/// Service account, role and binding of members.
pub struct Rbac;

impl Step for Rbac {
    type Resource = Hazelcast;
    const NAME: &'static str = "rbac";
    const SUMMARY: &'static str = "lets members find each other through the Kubernetes API";
    const FINALIZES: bool = true;

    fn run(cx: &Context<Hazelcast>) -> StepResult {
        let spec = &cx.object().spec;
        let account = spec.service_account_name.as_deref().filter(|name| !name.is_empty());
        let mut plan = Plan::default();
        if account.is_none() {
            let own = ServiceAccount::new(cx.name()).labels(labels(cx)).annotations(spec.annotations.clone());
            plan = plan.apply(own).because("members act as it");
        }
        let role = Role::new(cx.name()).labels(labels(cx)).annotations(spec.annotations.clone()).rules(rules(cx));
        let binding = RoleBinding::new(cx.name())
            .labels(labels(cx))
            .annotations(spec.annotations.clone())
            .role_ref(RoleRef::new().api_group("rbac.authorization.k8s.io").kind("Role").name(cx.name()))
            .subjects(vec![
                Subject::new().kind("ServiceAccount").name(account.unwrap_or(cx.name())).namespace(cx.namespace()),
            ]);
        Ok(plan
            .apply(role)
            .because("what members must read to find each other")
            .apply(binding)
            .because("gives members their role"))
    }

    fn finalize(cx: &Context<Hazelcast>) -> StepResult {
        #[derive(Deserialize)]
        struct Labelled {
            #[serde(default)]
            metadata: Metadata,
        }
        let mut plan = Plan::default();
        for resource in LEFT_BEHIND {
            let key = resource.cluster_scoped(names::cluster_scoped(cx.metadata()));
            let found: Option<Labelled> = cx.read_key(key.clone()).metadata().get()?;
            let is_ours =
                |found: &Labelled| found.metadata.labels.get(LABEL_MANAGED_BY).is_some_and(|by| by == MANAGED_BY);
            if found.as_ref().is_some_and(is_ours) {
                plan = plan.delete(&key, "an earlier operator made it, and it belongs to no namespace");
            }
        }
        Ok(plan)
    }
}

fn rules(cx: &Context<Hazelcast>) -> Vec<PolicyRule> {
    let spec = &cx.object().spec;
    let mut rules = vec![PolicyRule::of("", &["endpoints", "pods", "services"], &["get", "list"])];
    if spec.agent.is_some() {
        // Only the agent reads Secrets: those with the credentials of object stores.
        rules.insert(0, PolicyRule::of("", &["secrets"], &["get"]));
    }
    if spec.persistence.is_some() {
        // Members look at the wanted number of replicas to tell a restart from scaling.
        rules.push(PolicyRule::of("apps", &["statefulsets"], &["watch", "list"]));
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn run(spec: Value) -> Plan {
        Rbac::run(&Context::test("library", json!({"spec": spec}))).expect("a plan")
    }

    #[test]
    fn makes_account_role_and_binding_named_as_the_cluster() {
        let plan = run(json!({}));
        insta::assert_snapshot!(crate::golden(&plan.applied()));
    }

    #[test]
    fn a_service_account_of_ones_own_is_bound_and_none_is_made() {
        let plan = run(json!({"serviceAccountName": "mine"}));
        assert_eq!(plan.find("ServiceAccount", "library"), None);
        let binding = plan.find("RoleBinding", "library").expect("a binding");
        assert_eq!(binding["subjects"], json!([{"kind": "ServiceAccount", "name": "mine", "namespace": "default"}]));
    }

    #[test]
    fn members_may_read_no_secrets_unless_an_agent_does() {
        let resources = |spec| run(spec).find("Role", "library").expect("a role")["rules"].to_string();
        assert!(!resources(json!({})).contains("secrets"));
        assert!(resources(json!({"agent": {}})).contains("secrets"));
    }

    #[test]
    fn members_with_disks_see_how_many_replicas_are_wanted() {
        let role = run(json!({"persistence": {}})).find("Role", "library").expect("a role");
        assert_eq!(
            role["rules"][1],
            json!({"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["watch", "list"]})
        );
    }

    #[test]
    fn the_end_of_a_cluster_takes_along_what_earlier_operators_left() {
        let left = json!({"metadata": {"name": "library-2470140894", "labels": {"app.kubernetes.io/managed-by": "hazelcast-platform-operator"}}});
        let foreign = json!({"metadata": {"name": "library-2470140894"}});
        let cx =
            Context::<Hazelcast>::test("library", json!({})).with(LEFT_BEHIND[0], left).with(LEFT_BEHIND[1], foreign);
        let plan = Rbac::finalize(&cx).expect("a plan");
        let deleted: Vec<_> = plan.deleted().into_iter().map(|key| (key.0, key.1)).collect();
        assert_eq!(deleted, [("clusterroles".to_owned(), "library-2470140894".to_owned())]);
        assert_eq!(plan.applied(), Vec::<Value>::new());
    }
}
