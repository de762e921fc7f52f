//! The kinds of group `hazelcast.com`: what people write, as types. With feature `schema` also their definitions, made
//! from these types (`cargo xtask crds`).
//!
//! Reading is lenient on purpose: the schema refuses what is malformed, and a stored object from before a rule existed
//! must still be readable, so that validation can say what is wrong with it. A field that people left out has the
//! default of the schema here too. What is only handed on to pods (affinity, resources, …) stays JSON.

#[macro_use]
mod parts;

#[cfg(feature = "schema")]
pub mod definition;
pub mod endpoint;
pub mod hazelcast;
pub mod kubernetes;
pub mod management_center;
pub mod shapes;

pub use endpoint::HazelcastEndpoint;
pub use hazelcast::Hazelcast;
pub use management_center::ManagementCenter;

/// The group of all kinds.
pub const GROUP: &str = "hazelcast.com";
/// Their version.
pub const VERSION: &str = "v1alpha1";
