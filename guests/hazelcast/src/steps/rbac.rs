//! Whom members act as, and what they may read. It is what their Kubernetes discovery asks for and no more: the slices of
//! Services, their own pod, Services of single members where there are some. Nodes belong to no namespace, so members may
//! read them only where they look at zones or at the addresses of nodes.

use filbert_guest::k8s::{
    ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, ServiceAccount, Subject,
};
use filbert_guest::{Context, Metadata, Plan, ReadError, ResourceType, Step, StepResult};
use hazelcast_api::Hazelcast;
use hazelcast_api::hazelcast::{Discovery, DiscoveryMode, HighAvailabilityMode, MemberAccess, Persistence, Spec};
use serde::Deserialize;

use super::{agent, labels, member_access};
use crate::names::{self, LABEL_MANAGED_BY, LABEL_OWNER, MANAGED_BY};

/// Cluster-scoped objects that earlier operators made and that nothing but a finalizer can remove.
const LEFT_BEHIND: [ResourceType; 2] = [ClusterRole::TYPE, ClusterRoleBinding::TYPE];

/// Service account, roles and bindings of members.
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
        let rules = rules(cx);
        if rules.is_empty() {
            return Ok(plan);
        }
        let role = Role::new(cx.name()).labels(labels(cx)).annotations(spec.annotations.clone()).rules(rules);
        let account =
            Subject::new().kind("ServiceAccount").name(account.unwrap_or(cx.name())).namespace(cx.namespace());
        let binding = RoleBinding::new(cx.name())
            .labels(labels(cx))
            .annotations(spec.annotations.clone())
            .role_ref(role_ref("Role", cx.name()))
            .subjects(vec![account.clone()]);
        plan = plan
            .apply(role)
            .because("what members must read to find each other")
            .apply(binding)
            .because("gives members their role");
        let Some(why) = reads_nodes(spec) else { return Ok(plan) };
        let name = names::cluster_scoped(cx.metadata());
        let role = ClusterRole::new(name.as_str())
            .labels(labels(cx))
            .annotations(spec.annotations.clone())
            .rules(vec![PolicyRule::of("", &["nodes"], &["get"])]);
        let binding = ClusterRoleBinding::new(name.as_str())
            .labels(labels(cx))
            .annotations(spec.annotations.clone())
            .role_ref(role_ref("ClusterRole", &name))
            .subjects(vec![account]);
        Ok(plan.apply(role).because(why).apply(binding).because("gives members their role for nodes"))
    }

    fn finalize(cx: &Context<Hazelcast>) -> StepResult {
        let mut plan = Plan::default();
        for resource in LEFT_BEHIND {
            if left_behind(cx, resource)?.is_some() {
                let key = resource.cluster_scoped(names::cluster_scoped(cx.metadata()));
                plan = plan.delete(&key, "an earlier operator made it, and it belongs to no namespace");
            }
        }
        Ok(plan)
    }
}

fn role_ref(kind: &str, name: &str) -> RoleRef {
    RoleRef::new().api_group("rbac.authorization.k8s.io").kind(kind).name(name)
}

/// What an earlier operator made for this cluster outside of its namespace. Our own has the label of the host.
fn left_behind(cx: &Context<Hazelcast>, resource: ResourceType) -> Result<Option<Metadata>, ReadError> {
    #[derive(Deserialize)]
    struct Labelled {
        #[serde(default)]
        metadata: Metadata,
    }
    let key = resource.cluster_scoped(names::cluster_scoped(cx.metadata()));
    let found: Option<Labelled> = cx.read_key(key).metadata().get()?;
    Ok(found.map(|found| found.metadata).filter(|metadata| {
        let labels = &metadata.labels;
        labels.get(LABEL_MANAGED_BY).is_some_and(|by| by == MANAGED_BY) && !labels.contains_key(LABEL_OWNER)
    }))
}

/// How members ask the Kubernetes API; nothing where they ask the name service instead.
fn asks(spec: &Spec) -> Option<Discovery> {
    let discovery = spec.discovery.clone().unwrap_or_default();
    (discovery.mode == DiscoveryMode::Api).then_some(discovery)
}

/// Whether members look for their addresses outside.
fn looks_outside(spec: &Spec, discovery: &Discovery) -> bool {
    let labelled = discovery.service_per_pod_label_name.as_ref().is_some_and(|label| !label.is_empty());
    discovery.expose_externally.unwrap_or(labelled || member_access(spec).is_some())
}

/// Why members read nodes, where they do. The name of their own node stands in their pod, those of others in slices.
fn reads_nodes(spec: &Spec) -> Option<&'static str> {
    let discovery = asks(spec)?;
    let by_name = || discovery.use_node_name_as_external_address == Some(true);
    let by_address = || matches!(member_access(spec), None | Some(MemberAccess::NodePortExternalIp)) && !by_name();
    if spec.high_availability_mode == Some(HighAvailabilityMode::Zone) {
        Some("members look at the zones of nodes")
    } else if looks_outside(spec, &discovery) && by_address() {
        Some("members look at the addresses of nodes")
    } else {
        None
    }
}

/// What members read in their own namespace, by what makes them read it.
fn rules(cx: &Context<Hazelcast>) -> Vec<PolicyRule> {
    let spec = &cx.object().spec;
    let mut rules = Vec::new();
    if spec.agent.is_some() {
        // Only the agent reads Secrets: those with the credentials of object stores, which it is told later.
        rules.push(PolicyRule::of("", &["secrets"], &["get"]));
    } else if let Some(names) = agent::credentials(spec) {
        rules.push(PolicyRule::of("", &["secrets"], &["get"]).resource_names(names));
    }
    let Some(discovery) = asks(spec) else { return rules };
    rules.push(PolicyRule::of("discovery.k8s.io", &["endpointslices"], &["list"]));
    // Where there are no slices.
    rules.push(PolicyRule::of("", &["endpoints"], &["get", "list"]));
    let given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    let by_pods = given(&discovery.pod_label_name) || discovery.whole_namespace == Some(true);
    rules.push(PolicyRule::of("", &["pods"], if by_pods { &["get", "list"] } else { &["get"] }));
    if looks_outside(spec, &discovery) {
        rules.push(PolicyRule::of("", &["services"], &["get"]));
    }
    let follows = |persistence: &Persistence| persistence.automatic_cluster_state != Some(false);
    if spec.persistence.as_ref().is_some_and(follows) {
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
        let rules = role["rules"].as_array().expect("rules");
        assert_eq!(
            rules.last().expect("a rule"),
            &json!({"apiGroups": ["apps"], "resources": ["statefulsets"], "verbs": ["watch", "list"]})
        );
    }

    #[test]
    fn members_read_nodes_only_where_they_look_at_zones_or_at_addresses() {
        let name = "library-2470140894";
        for (spec, reads) in [
            (json!({}), false),
            (json!({"highAvailabilityMode": "NODE"}), false),
            (json!({"highAvailabilityMode": "ZONE"}), true),
            (json!({"exposeExternally": {}}), true),
            (json!({"exposeExternally": {"memberAccess": "NodePortNodeName"}}), false),
            (json!({"exposeExternally": {"memberAccess": "LoadBalancer"}}), false),
            (json!({"exposeExternally": {"type": "Unisocket"}}), false),
        ] {
            let plan = run(spec.clone());
            let role = plan.find("ClusterRole", name);
            assert_eq!(role.is_some(), reads, "{spec}");
            assert_eq!(plan.find("ClusterRoleBinding", name).is_some(), reads, "{spec}");
            if let Some(role) = role {
                assert_eq!(role["rules"], json!([{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}]));
            }
        }
    }

    #[test]
    fn members_read_services_only_where_each_has_one() {
        let rules = |spec| run(spec).find("Role", "library").expect("a role")["rules"].to_string();
        assert!(!rules(json!({"exposeExternally": {"type": "Unisocket"}})).contains("services"));
        assert!(rules(json!({"exposeExternally": {}})).contains("services"));
    }

    #[test]
    fn the_role_holds_what_the_way_of_discovery_reads() {
        let rules = |spec| run(spec).find("Role", "library").map(|role| role["rules"].to_string());
        for by_pods in [json!({"podLabelName": "a", "podLabelValue": "b"}), json!({"wholeNamespace": true})] {
            let rules = rules(json!({"discovery": by_pods})).expect("a role");
            assert!(rules.contains(r#""resources":["pods"],"verbs":["get","list"]"#), "{rules}");
        }
        let hidden = json!({"discovery": {"exposeExternally": false}, "exposeExternally": {}});
        assert!(!rules(hidden.clone()).expect("a role").contains("services"));
        assert_eq!(run(hidden).find("ClusterRole", "library-2470140894"), None);
        assert!(rules(json!({"discovery": {"exposeExternally": true}})).expect("a role").contains("services"));
    }

    #[test]
    fn members_that_ask_the_name_service_may_read_nothing() {
        let dns = json!({"mode": "DNS"});
        for spec in [json!({"discovery": dns}), json!({"discovery": dns, "exposeExternally": {}, "persistence": {}})] {
            let plan = run(spec);
            let kinds: Vec<_> = plan.applied().iter().map(|object| object["kind"].clone()).collect();
            assert_eq!(kinds, ["ServiceAccount"]);
        }
    }

    #[test]
    fn what_fetches_before_the_start_reads_the_credentials_that_are_named_and_no_others() {
        let bucket = json!({"bucketURI": "s3://jobs", "secretName": "cloud"});
        let role = run(json!({"jet": {"bucketConfig": bucket}})).find("Role", "library").expect("a role");
        assert_eq!(
            role["rules"][0],
            json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["cloud"], "verbs": ["get"]})
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
