//! Defaults and rules of clusters and Management Centers, and the definitions of these kinds and of endpoints. Rules that need
//! to look at other objects are steps.

use filbert_guest::prelude::*;
use hazelcast::defaults::{HazelcastDefaults, ManagementCenterDefaults};
use hazelcast::references::{CLAIMS, ClusterReferences, HOT_BACKUPS, ManagementCenterReferences, STORAGE_CLASSES};
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
        .step::<ClusterReferences>()
        .step::<ManagementCenterReferences>()
        .wants(Wish::read(Secret::TYPE).named("*").because("whether those that a specification names are there"))
        .wants(Wish::read(ConfigMap::TYPE).named("*").because("whether those that a specification names are there"))
        .wants(Wish::read(ServiceAccount::TYPE).named("*").because("whether that of the specification is there"))
        .wants(Wish::read(CLAIMS).named("*").because("whether that of the specification is there"))
        .wants(Wish::read(HOT_BACKUPS).named("*").because("whether the backup to be restored has been made"))
        .wants(
            Wish::read(STORAGE_CLASSES).named("*").everywhere().because("whether those of the specification are there"),
        )
        .brings::<Hazelcast>(include_str!(concat!(env!("OUT_DIR"), "/hazelcast.com_hazelcasts.json")))
        .brings::<HazelcastEndpoint>(include_str!(concat!(env!("OUT_DIR"), "/hazelcast.com_hazelcastendpoints.json")))
        .brings::<ManagementCenter>(include_str!(concat!(env!("OUT_DIR"), "/hazelcast.com_managementcenters.json")))
    }
}

export_module!(Admission);
export_defaulting!(HazelcastDefaults, ManagementCenterDefaults);
export_validation!(HazelcastRules, ManagementCenterRules);
export_step!(ClusterReferences, ManagementCenterReferences);
