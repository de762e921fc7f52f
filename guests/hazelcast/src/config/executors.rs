//! Executors, each by its name.

use hazelcast_api::hazelcast::Spec;

use super::Node;

pub(super) fn plain(spec: &Spec) -> Node {
    let one = |service: &hazelcast_api::hazelcast::ExecutorService| {
        let node = Node::new()
            .with("pool-size", service.pool_size)
            .with("queue-capacity", service.queue_capacity)
            .with_some("user-code-namespace", service.user_code_namespace.clone());
        (service.name.clone(), node)
    };
    spec.executor_services.iter().map(one).collect()
}

pub(super) fn durable(spec: &Spec) -> Node {
    let one = |service: &hazelcast_api::hazelcast::DurableExecutorService| {
        let node = Node::new()
            .with("pool-size", service.pool_size)
            .with("durability", service.durability)
            .with("capacity", service.capacity)
            .with_some("user-code-namespace", service.user_code_namespace.clone());
        (service.name.clone(), node)
    };
    spec.durable_executor_services.iter().map(one).collect()
}

pub(super) fn scheduled(spec: &Spec) -> Node {
    let one = |service: &hazelcast_api::hazelcast::ScheduledExecutorService| {
        let node = Node::new()
            .with("pool-size", service.pool_size)
            .with("durability", service.durability)
            .with("capacity", service.capacity)
            .with("capacity-policy", service.capacity_policy.as_str())
            .with_some("user-code-namespace", service.user_code_namespace.clone());
        (service.name.clone(), node)
    };
    spec.scheduled_executor_services.iter().map(one).collect()
}
