//! What the tests share.

pub mod modules;
pub mod world;
