//! The built-in kinds: what they default to and what they refuse.

#![allow(dead_code, reason = "the tables of kinds that use these checks follow")]

pub(crate) mod metadata;
pub(crate) mod names;
