//! Whom members act as, and what they may read.

use filbert_guest::k8s::{Role, RoleBinding};
use filbert_guest::prelude::*;
use hazelcast::names::{LABEL_MANAGED_BY, MANAGED_BY};
use hazelcast::steps::{LEFT_BEHIND, Rbac};

struct Access;

impl Module for Access {
    fn describe() -> Description {
        let description = Description::new(
            "hazelcast-access",
            env!("CARGO_PKG_VERSION"),
            "whom members act as, and what they may read",
        )
        .step::<Rbac>()
        .wants(Wish::keep(ServiceAccount::TYPE).named("{name}").because("members act as it"))
        .wants(Wish::keep(Role::TYPE).named("{name}").because("what members must read to find each other"))
        .wants(Wish::keep(RoleBinding::TYPE).named("{name}").because("gives members their role"));
        LEFT_BEHIND.into_iter().fold(description, |description, resource| {
            let left_behind = Wish::remove(resource).named("{name}-*").labelled(LABEL_MANAGED_BY, MANAGED_BY);
            description.wants(left_behind.everywhere().because("earlier operators left it behind"))
        })
    }
}

export_module!(Access);
export_step!(Rbac);
