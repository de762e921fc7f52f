//! An address by which a cluster, or one of its members, is reached from outside.

use filbert_guest::{Metadata, Resource, ResourceType, json};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An address by which a cluster, or one of its members, is reached from outside. The operator makes them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HazelcastEndpoint {
    /// What it is the address of.
    pub spec: Spec,
}

impl Resource for HazelcastEndpoint {
    const TYPE: ResourceType = ResourceType::new(crate::GROUP, crate::VERSION, "hazelcastendpoints");
    const KIND: &str = "HazelcastEndpoint";

    // Here, so that it is compiled here, once.
    fn read(text: &str) -> Result<(Self, Metadata), json::Error> {
        json::read_object(text)
    }
}

choices! {
    /// What is reached at an endpoint.
    EndpointType { Discovery, Member, Wan = "WAN" }
}

parts! {
    /// What it is the address of. Cannot change.
    #[cfg_attr(feature = "schema", schemars(extend(
        "required" = ["hazelcastResourceName", "port", "type"],
        "x-kubernetes-validations" = [{
            "rule": "self.hazelcastResourceName == oldSelf.hazelcastResourceName && self.port == oldSelf.port && self.type == oldSelf.type",
            "message": "field cannot be updated",
            "reason": "FieldValueForbidden",
        }],
    )))]
    Spec {
        /// The cluster.
        #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
        hazelcast_resource_name: String,
        /// Port that is reached.
        port: Option<i32>,
        /// What is reached: the cluster as a whole (`Discovery`), one member (`Member`), or the port for other clusters
        /// (`WAN`).
        #[serde(rename = "type")]
        type_: Option<EndpointType>,
    }
    /// What is known of it.
    Status {
        /// Where it is reached, as `host:port`; empty while that is not known.
        address: Option<String>,
        /// What is so and why, in the form of all Kubernetes kinds.
        #[cfg_attr(feature = "schema", schemars(schema_with = "crate::definition::conditions"))]
        conditions: Vec<Value>,
        /// What there is to say about the address.
        message: Option<String>,
        /// The generation of the specification that this status is about.
        observed_generation: Option<i64>,
    }
}
