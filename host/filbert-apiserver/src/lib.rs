//! An in-memory Kubernetes API server for development and tests.
//!
//! A stand-in, and it says so: its likeness to a real one is measured by replaying recorded exchanges.

pub mod builtin;
pub mod crd;
pub mod error;
pub mod merge;
pub mod openapi;
