//! Whom members act as, and what they may read.

use filbert_guest::k8s::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use filbert_guest::prelude::*;
use hazelcast::names::{LABEL_MANAGED_BY, MANAGED_BY};
use hazelcast::steps::Rbac;

/// What members look through to find each other.
const ENDPOINTS: ResourceType = ResourceType::new("", "v1", "endpoints");
const ENDPOINT_SLICES: ResourceType = ResourceType::new("discovery.k8s.io", "v1", "endpointslices");

struct Access;

impl Module for Access {
    fn describe() -> Description {
        let for_nodes =
            |resource| Wish::keep(resource).named("{name}-*").labelled(LABEL_MANAGED_BY, MANAGED_BY).everywhere();
        Description::new("hazelcast-access", env!("CARGO_PKG_VERSION"), "whom members act as, and what they may read")
            .step::<Rbac>()
            .wants(Wish::keep(ServiceAccount::TYPE).named("{name}").because("members act as it"))
            .wants(Wish::keep(Role::TYPE).named("{name}").because("what members must read to find each other"))
            .wants(Wish::keep(RoleBinding::TYPE).named("{name}").because("gives members their role"))
            .wants(
                Wish::read(ENDPOINTS).because("nobody can give a right away that they do not have: members read these"),
            )
            .wants(Wish::read(ENDPOINT_SLICES).because("members read these"))
            .wants(for_nodes(ClusterRole::TYPE).because("members look at the zones or addresses of nodes"))
            .wants(for_nodes(ClusterRoleBinding::TYPE).because("gives members their role for nodes"))
    }
}

export_module!(Access);
export_step!(Rbac);
