//! Defaults and rules of clusters and Management Centers, and the definitions of these kinds and of endpoints.

use filbert_guest::prelude::*;
use hazelcast::defaults::{HazelcastDefaults, ManagementCenterDefaults};
use hazelcast::validate::{HazelcastRules, ManagementCenterRules};
use hazelcast_api::{Hazelcast, HazelcastEndpoint, ManagementCenter};

struct Admission;

impl Module for Admission {
    fn describe() -> Description {
        Description::new(
            "hazelcast-admission",
            env!("CARGO_PKG_VERSION"),
            "defaults and rules of clusters and Management Centers",
        )
        .defaults::<HazelcastDefaults>()
        .defaults::<ManagementCenterDefaults>()
        .validates::<HazelcastRules>()
        .validates::<ManagementCenterRules>()
        .brings::<Hazelcast>(include_str!(concat!(env!("OUT_DIR"), "/hazelcast.com_hazelcasts.json")))
        .brings::<HazelcastEndpoint>(include_str!(concat!(env!("OUT_DIR"), "/hazelcast.com_hazelcastendpoints.json")))
        .brings::<ManagementCenter>(include_str!(concat!(env!("OUT_DIR"), "/hazelcast.com_managementcenters.json")))
    }
}

export_module!(Admission);
export_defaulting!(HazelcastDefaults, ManagementCenterDefaults);
export_validation!(HazelcastRules, ManagementCenterRules);
