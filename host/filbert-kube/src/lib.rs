//! All talk with the API server. Knows resource types and objects as JSON, and no kind in particular.
//!
//! | module | subject |
//! | --- | --- |
//! | [`discovery`] | which resource types the server serves |
//! | [`api`] | requests: get, server-side apply, delete, status, finalizers, events |
//! | [`cache`] | watches, and the objects they keep at hand |
//! | [`entries`] | one `ConfigMap` as it changes |
//! | [`lease`] | which of several replicas leads |
//! | [`tenure`] | for how long one that leads may write |
//! | [`pause`] | pauses between tries |
//! | [`followed`] | one object, followed by its name |

pub mod api;
pub mod cache;
pub mod discovery;
pub mod entries;
pub mod followed;
pub mod lease;
pub mod pause;
pub mod tenure;

pub use api::{Api, ApiError, Retry};
pub use cache::{Cached, Caches, Change, Selection};
pub use discovery::{Discovery, Served};
pub use followed::{Followed, Seen};
pub use lease::{Election, LeaseSettings};
pub use tenure::Tenure;
