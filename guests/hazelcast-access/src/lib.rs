//! Whom members act as, and what they may read.

use filbert_guest::k8s::{Role, RoleBinding};
use filbert_guest::prelude::*;
use hazelcast::steps::Rbac;

struct Access;

impl Module for Access {
    fn describe() -> Description {
        Description::new("hazelcast-access", env!("CARGO_PKG_VERSION"), "whom members act as, and what they may read")
            .step::<Rbac>()
            .wants(Wish::keep(ServiceAccount::TYPE).named("{name}").because("members act as it"))
            .wants(Wish::keep(Role::TYPE).named("{name}").because("what members must read to find each other"))
            .wants(Wish::keep(RoleBinding::TYPE).named("{name}").because("gives members their role"))
    }
}

export_module!(Access);
export_step!(Rbac);
