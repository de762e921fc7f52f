//! What the tests share.

pub mod modules;
#[expect(clippy::panic, reason = "a story whose world is broken cannot go on")]
pub mod world;
