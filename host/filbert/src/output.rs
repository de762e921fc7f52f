//! The one place that writes: data to stdout, everything else to stderr. Elsewhere the lints refuse it.

use std::fmt::Display;
use std::io::{self, Write as _};

use crate::failure::{Failure, Outcome};

/// Data, as it stands.
///
/// A reader that went away, as `head` does, ends the command: quietly, because nobody asks for the rest.
pub(crate) fn data(text: impl Display) -> Outcome<()> {
    let mut out = io::stdout().lock();
    write!(out, "{text}").and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Failure::Unread,
        _ => Failure::from(anyhow::Error::from(error).context("failed to write to standard output")),
    })
}

/// Data, with an end of line.
pub(crate) fn line(text: impl Display) -> Outcome<()> {
    data(format_args!("{text}\n"))
}

/// Words for people: progress, warnings, errors.
pub(crate) fn note(text: impl Display) {
    // Nobody is there to be told that nobody is there.
    let _ = writeln!(io::stderr().lock(), "{text}");
}
