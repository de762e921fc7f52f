//! Compiles, limits and calls guests; the one crate that names wasmtime.
//!
//! [`Engine::load`] turns bytes into a [`Module`], refusing by name what is not for this host. [`Module::run`],
//! [`Module::finalize`], [`Module::default`] and [`Module::validate`] call it with [`Reads`] that the caller brings; each
//! call has a fresh instance and ends in an answer, a deadline or an error that says what the guest did. What a guest
//! answers is proposed, not done: this crate touches nothing but its own code cache.
//!
//! | came of a call | type |
//! | --- | --- |
//! | an answer | `Ok` of a plan, a verdict or a defaulted object |
//! | a guest that works, but says no | a step error or violations: also an answer |
//! | a guest that broke | [`CallError::Broken`] with a [`BrokenKind`] |
//! | a host that gave up in a read | [`CallError::Aborted`] |
//! | a module that was not called: too much to do, or left alone | [`CallError::Crowded`], [`CallError::Late`], [`CallError::Paused`] |

mod breaker;
mod broken;
mod cache;
mod compile;
pub mod contract;
mod convert;
mod engine;
mod host;
mod inspect;
#[cfg(test)]
mod isolation;
mod load;
mod log;
mod module;
pub mod reads;
mod settings;
mod surface;
mod ticker;
mod trusted;
mod turns;

pub use broken::{Broken, BrokenKind, CallError, Retry};
pub use cache::CacheError;
pub use compile::{CompileError, compile_child};
pub use engine::{Engine, EngineError};
pub use inspect::Unfit;
pub use load::{LoadError, Text};
pub use log::{Level, LogLine};
pub use module::{Called, Module, Spent};
pub use reads::{Aborted, NoReads, Query, Read, ReadError, Reads, Scope};
pub use settings::{Cache, CompileLimits, Compiler, Limits, Patience, Settings};
pub use surface::{Interface, Refusal, Role, Surface};
