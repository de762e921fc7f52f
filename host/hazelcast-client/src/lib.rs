//! The Hazelcast binary client protocol.
//!
//! The codec does no I/O and is shared by the host and by components: [`frame`] and [`Assembler`] find messages in
//! bytes, [`table`] says what every message is made of, [`encode()`] and [`decode()`] follow the tables, and the structs
//! of the tables ([`Payload`], [`Call`]) make that convenient for the messages that an operator sends.
//!
//! With the feature `connection` (the default) there is also [`connection`], which keeps connections to a cluster, and
//! [`stand_in`], a member for tests and demonstrations.

#[cfg(feature = "connection")]
pub mod connection;
pub mod data;
pub mod fault;
pub mod frame;
pub mod schema;
#[cfg(feature = "connection")]
pub mod stand_in;
pub mod table;

mod assembly;
mod decode;
mod encode;
mod message;
mod uuid;
mod value;
mod wire;

pub use assembly::{Assembler, fragments};
pub use decode::{DecodeError, decode};
pub use encode::{EncodeError, Header, encode};
pub use frame::{FrameError, Limits};
pub use message::{Message, MessageType};
pub use schema::Version;
pub use uuid::{NotAUuid, Uuid};
pub use value::Value;
pub use wire::{Bytes, Call, Payload, Wire};
