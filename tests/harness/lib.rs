//! What the tests share.

pub mod cut;
#[expect(
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test whose installation cannot be put in has failed, and one without data says so"
)]
pub mod installation;
pub mod modules;
pub mod nothing;
pub mod snapshot;
#[expect(clippy::panic, clippy::indexing_slicing, reason = "a story that is told differently has failed")]
pub mod story;
#[expect(clippy::panic, clippy::indexing_slicing, reason = "a story whose world is broken cannot go on")]
pub mod world;
