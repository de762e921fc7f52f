//! The contract's types as `wit/` spells them, made by wasmtime's `bindgen!`.
//!
//! Types on the read side that only the host's later parts use (`clusters`, `certificates`) are used as they are; those
//! of plans, reviews and descriptions are turned into `filbert-plan` types in `convert`.

#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, reason = "generated; the docs are in `wit/`")]
mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "filbert:operator/operator@0.1.0",
        imports: { default: trappable },
        // On a fiber, so that a guest that computes for long gives up its thread now and then.
        exports: { default: async },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
    });
}

pub use generated::exports::filbert::operator::{defaulting, module, step, validation};
pub use generated::filbert::operator::{certificates, clusters, log, objects, reviews, types};

/// The package that a component's imports and exports belong to.
pub const PACKAGE: &str = "filbert:operator";

/// The version this host speaks.
pub const VERSION: semver::Version = semver::Version::new(0, 1, 0);

/// Interfaces that a component may import.
pub const IMPORTS: [&str; 8] = ["types", "reviews", "objects", "clusters", "time", "certificates", "platform", "log"];
