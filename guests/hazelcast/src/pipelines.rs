//! The steps of each kind as functions, in the order in which the pipelines of this project run them: for whoever runs them all
//! without a host.

use filbert_guest::{Context, Step, StepResult};
use hazelcast_api::{Hazelcast, HazelcastEndpoint, ManagementCenter};

use crate::references::{ClusterReferences, ManagementCenterReferences};
use crate::steps::management_center::{CenterEntrance, CenterService, CenterSet, CenterStatus};
use crate::steps::{
    Configuration, DiscoveryService, EndpointAddress, Endpoints, LiteMembers, MemberServices, MemberSet, MemberStatus,
    Rbac, WanServices,
};

/// A step as a function.
pub type Run<R> = fn(&Context<R>) -> StepResult;

/// A list of steps with their names.
macro_rules! steps {
    ($($step:ident),+) => { [$(($step::NAME, $step::run)),+] };
}

/// Those of a cluster.
pub const CLUSTER: [(&str, Run<Hazelcast>); 10] = steps![
    ClusterReferences,
    Rbac,
    DiscoveryService,
    MemberServices,
    WanServices,
    Endpoints,
    Configuration,
    MemberSet,
    LiteMembers,
    MemberStatus
];
/// Those of a Management Center.
pub const MANAGEMENT_CENTER: [(&str, Run<ManagementCenter>); 5] =
    steps![ManagementCenterReferences, CenterService, CenterEntrance, CenterSet, CenterStatus];
/// Those of an endpoint.
pub const ENDPOINT: [(&str, Run<HazelcastEndpoint>); 1] = steps![EndpointAddress];

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// The steps that a pipeline runs.
    fn named(pipeline: &str) -> Vec<String> {
        let file = format!("{}/../hazelcast-admission/{pipeline}-pipeline.yaml", env!("CARGO_MANIFEST_DIR"));
        let pipeline: Value = serde_saphyr::from_str(&std::fs::read_to_string(file).expect("a file")).expect("YAML");
        let steps = pipeline["spec"]["steps"].as_array().expect("steps");
        steps.iter().map(|step| step["step"].as_str().expect("a name").to_owned()).collect()
    }

    fn names<R>(steps: &[(&str, Run<R>)]) -> Vec<String> {
        steps.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    #[test]
    fn steps_are_those_of_the_pipelines_in_their_order() {
        assert_eq!(names(&CLUSTER), named("hazelcasts"));
        assert_eq!(names(&MANAGEMENT_CENTER), named("managementcenters"));
        assert_eq!(names(&ENDPOINT), named("hazelcastendpoints"));
    }
}
