//! Configuration and pods of clusters and Management Centers.

use filbert_guest::k8s::PodDisruptionBudget;
use filbert_guest::k8s::resources::PODS;
use filbert_guest::prelude::*;
use hazelcast::names::{LABEL_MANAGED_BY, MANAGED_BY};
use hazelcast::steps::management_center::CenterSet;
use hazelcast::steps::{BACKUPS, Configuration, LiteMembers, MemberSet};

struct Workload;

impl Module for Workload {
    fn describe() -> Description {
        Description::new(
            "hazelcast-workload",
            env!("CARGO_PKG_VERSION"),
            "configuration and pods of clusters and Management Centers",
        )
        .step::<Configuration>()
        .step::<MemberSet>()
        .step::<LiteMembers>()
        .step::<CenterSet>()
        .wants(Wish::keep(Secret::TYPE).named("{name}").because("members and Management Centers start with it"))
        .wants(Wish::keep(ConfigMap::TYPE).named("{name}-init").because("what is fetched before a member starts"))
        .wants(Wish::read(Secret::TYPE).because("certificates that people name, and whether what they name is there"))
        .wants(Wish::read(ConfigMap::TYPE).because("configuration that people write themselves, and code"))
        .wants(Wish::read(BACKUPS).because("which backup is restored"))
        .wants(Wish::keep(StatefulSet::TYPE).named("{name}").named("{name}-lite").because("the pods"))
        .wants(Wish::keep(PodDisruptionBudget::TYPE).named("{name}").because("one member at a time may be taken away"))
        .wants(Wish::read(PODS).labelled(LABEL_MANAGED_BY, MANAGED_BY).because("whether one more member may stop"))
    }
}

export_module!(Workload);
export_step!(Configuration, MemberSet, LiteMembers, CenterSet);
