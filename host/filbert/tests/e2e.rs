//! The operator on a cluster that is known by its kubeconfig only. Written once, and run twice: on an embedded API server of its
//! own for each test, with all other tests, and on a real control plane by `cargo xtask e2e`.
#![allow(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds something else than it expects cannot go on"
)]

#[path = "e2e/definitions.rs"]
mod definitions;
#[path = "e2e/life.rs"]
mod life;
#[path = "command/line.rs"]
mod line;
#[path = "e2e/outage.rs"]
mod outage;
#[path = "command/process.rs"]
mod process;
#[path = "command/replica.rs"]
mod replica;
#[path = "e2e/replicas.rs"]
mod replicas;
#[path = "e2e/rights.rs"]
mod rights;
#[path = "e2e/site.rs"]
mod site;
#[path = "command/support.rs"]
#[expect(dead_code, reason = "other tests of the command use the rest")]
mod support;
