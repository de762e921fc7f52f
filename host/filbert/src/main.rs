//! The `filbert` command.

fn main() {}
