//! Connections to clusters.
//!
//! A [`Cluster`] looks for a member until it finds one, keeps a connection to each member of the list, follows the list,
//! and comes back by itself after losses. What is known is pushed through [`Cluster::views`]; nothing has to be polled.

mod call;
mod cluster;
mod handshake;
mod keeper;
mod link;
mod options;
mod tls;
mod view;

pub use call::{CallError, Doubt, Repeat, Request, Target};
pub use cluster::Cluster;
pub use handshake::ConnectError;
pub(crate) use handshake::PROTOCOL;
pub use link::Lost;
pub use options::{Address, Backoff, Credentials, Options, Reach, Routing, Timing};
pub use tls::{Certificates, Tls, TlsError};
pub use view::{Member, Partitions, State, View};
