//! How a command fails: an error with its causes, a hint where we know one, an exit code.

use std::fmt::Write as _;
use std::process::ExitCode;

use crate::output;

/// A command that did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It failed.
    Failed(Failed),
    /// Whoever read its output went away. Nothing is said about that.
    Unread,
}

/// What people are told.
#[derive(Debug)]
pub(crate) struct Failed {
    error: anyhow::Error,
    hint: Option<String>,
    code: u8,
}

/// What commands answer.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// Something was asked for that makes no sense: exit code 2.
    pub(crate) fn misuse(message: impl Into<String>) -> Self {
        Self::Failed(Failed { error: anyhow::anyhow!(message.into()), hint: None, code: 2 })
    }

    /// With what to do about it.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::Failed(failed) => Self::Failed(Failed { hint: Some(hint.into()), ..failed }),
            Self::Unread => Self::Unread,
        }
    }

    /// Says it on stderr; answers 1 for failed, 2 for misused.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::Failed(failed) => {
                output::note(failed.text().trim_end());
                ExitCode::from(failed.code)
            }
            Self::Unread => ExitCode::SUCCESS,
        }
    }
}

impl Failed {
    fn text(&self) -> String {
        let mut text = format!("error: {}\n", self.error);
        let mut before = self.error.to_string();
        for cause in self.error.chain().skip(1) {
            let cause = cause.to_string();
            // Some libraries repeat the cause in the text of the error.
            if !before.ends_with(&cause) {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "caused by: {cause}");
            }
            before = cause;
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(Failed { error: error.into(), hint: None, code: 1 })
    }
}

/// Adds a hint to whatever fails.
pub(crate) trait Hint<T> {
    /// What to do about it.
    fn hint(self, hint: impl Into<String>) -> Outcome<T>;
}

impl<T, E: Into<Failure>> Hint<T> for Result<T, E> {
    fn hint(self, hint: impl Into<String>) -> Outcome<T> {
        self.map_err(|error| error.into().hint(hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_the_error_repeats_is_said_once() {
        let error = anyhow::anyhow!("refused").context("connect: refused").context("no answer");
        let failed = Failed { error, hint: Some("start it".to_owned()), code: 1 };
        assert_eq!(failed.text(), "error: no answer\ncaused by: connect: refused\nhint: start it\n");
    }
}
