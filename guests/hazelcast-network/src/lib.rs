//! The Services of clusters and Management Centers.

use filbert_guest::k8s::{Ingress, Route};
use filbert_guest::prelude::*;
use hazelcast::steps::management_center::{CenterEntrance, CenterService};
use hazelcast::steps::{DiscoveryService, Endpoints, MemberServices, WanServices};
use hazelcast_api::HazelcastEndpoint;

struct Network;

impl Module for Network {
    fn describe() -> Description {
        Description::new(
            "hazelcast-network",
            env!("CARGO_PKG_VERSION"),
            "the Services of clusters and Management Centers, and ways to them",
        )
        .step::<DiscoveryService>()
        .step::<MemberServices>()
        .step::<WanServices>()
        .step::<Endpoints>()
        .step::<CenterService>()
        .step::<CenterEntrance>()
        .wants(
            Wish::keep(Service::TYPE)
                .named("{name}")
                .named("{name}-*")
                .because("clients and members find members by them"),
        )
        .wants(
            Wish::keep(HazelcastEndpoint::TYPE)
                .named("{name}")
                .named("{name}-*")
                .because("people see there where a cluster is reached"),
        )
        .wants(Wish::keep(Ingress::TYPE).named("{name}").because("people outside reach a Management Center by it"))
        .wants(Wish::keep(Route::TYPE).named("{name}").because("people outside reach a Management Center by it"))
        .wants(Wish::read(StatefulSet::TYPE).named("{name}").because("whether members have started"))
    }
}

export_module!(Network);
export_step!(DiscoveryService, MemberServices, WanServices, Endpoints, CenterService, CenterEntrance);
