//! The status of clusters and Management Centers.

use filbert_guest::k8s::resources::{NODES, PODS};
use filbert_guest::prelude::*;
use hazelcast::names::{LABEL_MANAGED_BY, MANAGED_BY};
use hazelcast::steps::management_center::CenterStatus;
use hazelcast::steps::{EndpointAddress, MemberStatus};

struct Observer;

impl Module for Observer {
    fn describe() -> Description {
        Description::new("hazelcast-status", env!("CARGO_PKG_VERSION"), "the status of clusters and Management Centers")
            .step::<MemberStatus>()
            .step::<CenterStatus>()
            .step::<EndpointAddress>()
            .wants(
                Wish::read(StatefulSet::TYPE).named("{name}").named("{name}-lite").because("how many pods are ready"),
            )
            .wants(Wish::read(Service::TYPE).named("{name}").because("the addresses that a load balancer gave"))
            .wants(Wish::read(Service::TYPE).labelled(LABEL_MANAGED_BY, MANAGED_BY).because("where endpoints lead"))
            .wants(Wish::read(NODES).everywhere().because("the addresses of nodes whose ports lead to members"))
            .wants(Wish::read(PODS).labelled(LABEL_MANAGED_BY, MANAGED_BY).because("what keeps pods from running"))
    }
}

export_module!(Observer);
export_step!(MemberStatus, CenterStatus, EndpointAddress);
