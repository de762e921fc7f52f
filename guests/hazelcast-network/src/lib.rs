//! The Services of clusters and Management Centers.

use filbert_guest::prelude::*;
use hazelcast::steps::management_center::CenterService;
use hazelcast::steps::{DiscoveryService, MemberServices};

struct Network;

impl Module for Network {
    fn describe() -> Description {
        Description::new(
            "hazelcast-network",
            env!("CARGO_PKG_VERSION"),
            "the Services of clusters and Management Centers",
        )
        .step::<DiscoveryService>()
        .step::<MemberServices>()
        .step::<CenterService>()
        .wants(
            Wish::keep(Service::TYPE)
                .named("{name}")
                .named("{name}-*")
                .because("clients and members find members by them"),
        )
    }
}

export_module!(Network);
export_step!(DiscoveryService, MemberServices, CenterService);
