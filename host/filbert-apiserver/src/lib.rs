//! An in-memory Kubernetes API server for development and tests.
//!
//! A stand-in, and it says so: its likeness to a real one is measured by replaying recorded exchanges.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = filbert_apiserver::ApiServer::builder().build();
//! let client = server.client();
//! let serving = server.serve(([127, 0, 0, 1], 0).into()).await?;
//! std::fs::write("kubeconfig", serving.kubeconfig())?;
//! # Ok(())
//! # }
//! ```

mod access;
mod admission;
mod allocate;
mod background;
pub mod builtin;
mod clock;
mod controllers;
mod convert;
mod core;
pub mod crd;
mod definitions;
mod discovery;
mod documents;
pub mod error;
mod finalizers;
mod handle;
pub mod merge;
mod message;
mod negotiate;
pub mod openapi;
mod operations;
mod protobuf;
mod read;
mod resource;
mod reviews;
mod route;
mod selector;
mod serve;
mod server;
mod service;
mod store;
mod subresource;
mod table;
mod watch;
mod write;

pub use clock::Clock;
pub use controllers::PodFate;
pub use message::ReplyBody;
pub use serve::{ServeError, Serving};
pub use server::{ApiServer, Builder};
pub use service::ApiService;
