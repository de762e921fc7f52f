//! The built command, used as a person uses it.

#[path = "command/bad_input.rs"]
mod bad_input;
#[path = "command/running.rs"]
mod running;
#[path = "command/support.rs"]
mod support;
