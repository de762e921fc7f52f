//! Stories: the operator with its built modules against the embedded API server. What a story comes to is in a golden
//! file below `stories/golden`; what a file cannot say, counts above all, is asserted here.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::needless_pass_by_value,
    reason = "stories, which fail by panicking"
)]

#[path = "fixtures/hostile/src/misdeed.rs"]
mod misdeed;
#[path = "../guests/hazelcast/tests/specifications/mod.rs"]
mod specifications;

#[path = "stories/admission.rs"]
mod admission;
#[path = "stories/adoption.rs"]
mod adoption;
#[path = "stories/caller.rs"]
mod caller;
#[path = "stories/contest.rs"]
mod contest;
#[path = "stories/crash.rs"]
mod crash;
#[path = "stories/definitions.rs"]
mod definitions;
#[path = "stories/drift.rs"]
mod drift;
#[path = "stories/effects.rs"]
mod effects;
#[path = "stories/hostile.rs"]
mod hostile;
#[path = "stories/kubectl.rs"]
mod kubectl;
#[path = "stories/life.rs"]
mod life;
#[path = "stories/lifecycle.rs"]
mod lifecycle;
#[path = "stories/load.rs"]
mod load;
#[path = "stories/modules.rs"]
mod modules;
#[path = "stories/objects.rs"]
mod objects;
#[path = "stories/project.rs"]
mod project;
#[path = "stories/recording.rs"]
mod recording;
#[path = "stories/references.rs"]
mod references;
#[path = "stories/support.rs"]
mod support;
#[path = "stories/trouble.rs"]
mod trouble;
#[path = "stories/webhooks.rs"]
mod webhooks;
