//! The pure core of the host: what guests may propose, how it is checked, merged and shown.
//!
//! Everything here is a function of its arguments: no clock, no network, no tokio, kube or wasmtime. Objects are
//! [`serde_json::Value`]s, because the host carries any kind and knows none of them.
//!
//! | module | subject |
//! | --- | --- |
//! | [`object`] | keys and types of Kubernetes objects |
//! | [`Document`] | JSON that goes to guests as text |
//! | [`managed`] | who wrote which fields of an object |
//! | [`plan`] | what a step proposes, what a reconcile pass decides about it |
//! | [`grant`] | what a module may read and change |
//! | [`pipeline`] | the `Module` and `Pipeline` files of an administrator |
//! | [`definition`] | their definitions |
//! | [`review`] | what defaulting and validation are asked and answer |
//! | [`description`] | what a module says of itself |
//! | [`rights`] | what an API server must allow the operator |
//! | [`status`] | conditions and the merged status of an object |
//! | [`mod@diff`] | the text a person reads |

pub mod definition;
pub mod description;
pub mod diff;
mod document;
pub mod grant;
pub mod managed;
pub mod object;
pub mod pipeline;
pub mod plan;
pub mod review;
pub mod rights;
pub mod status;

pub use document::Document;
