//! Built components in the real engine: what they may do, and what becomes of those that do what they must not.
#![allow(
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds something else than it expects cannot go on"
)]

#[path = "fixtures/hostile/src/misdeed.rs"]
mod misdeed;
#[path = "fuzz/src/target.rs"]
mod target;

#[path = "guests/cache.rs"]
mod cache;
#[path = "guests/calls.rs"]
mod calls;
#[path = "guests/compiling.rs"]
mod compiling;
#[path = "guests/contract.rs"]
mod contract;
#[path = "guests/corpus.rs"]
mod corpus;
#[path = "guests/hostile.rs"]
mod hostile;
#[path = "guests/leaks.rs"]
mod leaks;
#[path = "guests/library.rs"]
mod library;
#[path = "guests/refusals.rs"]
mod refusals;
#[path = "guests/support.rs"]
mod support;
