//! The thinking about Hazelcast clusters and Management Centers, as a plain library: what is filled in, what is refused,
//! how things are called, the configuration of members, and a file for each step. The components next door
//! (`hazelcast-admission`, `-access`, `-network`, `-workload`, `-status`) export it, one macro call a role.
//!
//! Every step is a pure function of the resource and what it reads.

#![cfg_attr(test, expect(clippy::needless_pass_by_value, reason = "in tests a specification stands where it is used"))]

pub mod checksum;
pub mod config;
pub mod defaults;
pub mod edition;
pub mod ignored;
pub mod keystore;
pub mod names;
pub mod pipelines;
pub mod pods;
pub mod quantity;
pub mod references;
pub mod steps;
pub mod validate;

/// How whole objects are compared in tests: as text that people can read.
#[cfg(test)]
fn golden(value: &impl serde::Serialize) -> String {
    serde_saphyr::to_string(&serde_json::to_value(value).expect("JSON")).expect("YAML")
}
