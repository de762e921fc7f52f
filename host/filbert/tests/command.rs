//! The built command, used as a person uses it.
#![allow(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds something else than it expects cannot go on"
)]

#[path = "command/adopting.rs"]
mod adopting;
#[path = "command/bad_input.rs"]
mod bad_input;
#[path = "command/dev.rs"]
mod dev;
#[path = "command/line.rs"]
mod line;
#[path = "command/manifests.rs"]
mod manifests;
#[path = "command/operating.rs"]
mod operating;
#[path = "command/process.rs"]
mod process;
#[path = "command/rendering.rs"]
mod rendering;
#[path = "command/replica.rs"]
mod replica;
#[path = "command/running.rs"]
mod running;
#[path = "command/samples.rs"]
mod samples;
#[path = "command/support.rs"]
mod support;
