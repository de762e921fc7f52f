//! The SDK: all that the author of a guest depends on.
//!
//! A guest is a pure function: recorded inputs in, proposed effects out. It implements a trait for each role it plays
//! and exports it with one macro:
//!
//! | role | trait | macro | answers |
//! | --- | --- | --- | --- |
//! | reconcile step | [`Step`] | [`export_step!`] | a [`Plan`] |
//! | validation | [`Validation`] | [`export_validation!`] | a [`Verdict`] |
//! | defaulting | [`Defaulting`] | [`export_defaulting!`] | what to fill in |
//! | what the module is | [`Module`] | [`export_module!`] | a [`Description`] |
//!
//! A [`Context`] or [`Review`] is the only way in; there is no clock, file, network or randomness. Reads go through it,
//! are answered from the host's caches within the module's grant, and make the step run again when their answer changes.
//!
//! Everything also compiles natively, so a step is tested with a plain unit test: see [`Context::test`].

mod bindings;
mod context;
mod describe;
mod export;
mod host;
pub mod json;
pub mod k8s;
mod plan;
mod read;
mod resource;
mod review;

pub use context::Context;
pub use describe::{Description, Wish};
pub use plan::{Condition, Plan, Problem, Status, StepError, StepResult};
pub use read::{ListRequest, ReadError, ReadRequest};
pub use resource::{Any, Metadata, ObjectKey, Resource, ResourceType};
pub use review::{Defaults, Operation, Review, Verdict, Violation};

/// What most guests use.
pub mod prelude {
    pub use crate::k8s::{self, ConfigMap, Secret, Service, ServiceAccount, StatefulSet};
    pub use crate::{
        Any, Condition, Context, Defaulting, Defaults, Description, Module, ObjectKey, Plan, Problem, ReadError,
        Resource, ResourceType, Review, Status, Step, StepError, StepResult, Validation, Verdict, Violation, Wish,
        export_defaulting, export_module, export_step, export_validation,
    };
    pub use serde::{Deserialize, Serialize};
    pub use serde_json::{Value, json};
}

/// One step of the reconciliation of one object.
///
/// # Guarantees
/// Never runs twice at the same time for one object. Runs again when anything it read changes, and not otherwise: the
/// host keeps its answer.
pub trait Step {
    /// What it reconciles; [`Any`] for every kind.
    type Resource: Resource;
    /// As named in a pipeline.
    const NAME: &'static str;
    /// One line for people.
    const SUMMARY: &'static str = "";
    /// Whether [`Step::finalize`] does anything.
    const FINALIZES: bool = false;
    /// Names of facts it may leave for later steps.
    const LEAVES: &'static [&'static str] = &[];
    /// Facts it cannot do without, as `step/name`. A pipeline in which no earlier step leaves them is refused.
    const NEEDS: &'static [&'static str] = &[];

    /// JSON Schema of the parameters that a pipeline may give.
    fn parameters() -> serde_json::Value {
        serde_json::json!({"type": "object", "additionalProperties": false})
    }

    /// Proposes everything this step wants to be there. What it stops proposing is pruned.
    ///
    /// # Errors
    /// [`StepError`] says whether trying again makes sense.
    fn run(cx: &Context<Self::Resource>) -> StepResult;

    /// The object is being deleted; a plan that is done gives up this step's part in the finalizer. It must apply nothing.
    ///
    /// # Errors
    /// As for [`Step::run`].
    fn finalize(_cx: &Context<Self::Resource>) -> StepResult {
        Ok(Plan::default())
    }
}

/// A rule, or many: asked about every create and update, and about stored objects.
pub trait Validation {
    /// What it judges; [`Any`] for every kind.
    type Resource: Resource;

    /// All violations at once; empty to admit.
    fn validate(review: &Review<Self::Resource>) -> Verdict;
}

/// Fills in what was left out.
pub trait Defaulting {
    /// What it fills in; [`Any`] for every kind.
    type Resource: Resource;

    /// Sets fields that are absent. Must be idempotent: given its own answer it changes nothing.
    fn default(review: &Review<Self::Resource>, defaults: &mut Defaults);
}

/// What a module says of itself.
pub trait Module {
    /// Same answer every time; depends on nothing. Reads trap.
    fn describe() -> Description;
}

/// For the export macros.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::{defaulting, module, reads, step, validation};
    pub use crate::export::{default, describe, enter, finalize, no_reviewer, reviews, run, unknown_step, validate};
}

/// Ends a value without taking it apart: in a sandbox the instance goes with all its memory when the call ends, and freeing
/// the parts of a large object one by one takes longer than a good rule.
pub(crate) fn leave<T>(value: T) {
    if cfg!(target_family = "wasm") {
        std::mem::forget(value);
    }
}

/// Where the allocator sits: the one in `std` ignores the initial heap, so that its first allocation costs a page fault
/// and a `memory.grow`.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;
