//! What the tests share.

pub mod modules;
