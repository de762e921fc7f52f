//! A stand-in for the members of a cluster: it speaks their messages over TCP, keeps no data, and does what a script says
//! where members would be slow, refuse, die or send nonsense.
//!
//! It is for tests and demonstrations. Whoever shows what it says to a person says that it is simulated.

mod answer;
mod group;
mod member;

pub use group::{Behaviour, Group, Seen, Settings};
pub use member::StandIn;
