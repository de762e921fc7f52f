//! How a command fails: an error with its causes, a hint where we know one, an exit code.

use std::process::ExitCode;

/// A command that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    hint: Option<String>,
    code: u8,
}

/// What commands answer.
pub(crate) type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// Something was asked for that makes no sense: exit code 2.
    pub(crate) fn misuse(message: impl Into<String>) -> Self {
        Self { error: anyhow::anyhow!(message.into()), hint: None, code: 2 }
    }

    /// With what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// To stderr.
    pub(crate) fn print(&self) {
        eprintln!("error: {}", self.error);
        for cause in self.error.chain().skip(1) {
            eprintln!("caused by: {cause}");
        }
        if let Some(hint) = &self.hint {
            eprintln!("hint: {hint}");
        }
    }

    /// 1 failed, 2 misused.
    pub(crate) fn code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { error: error.into(), hint: None, code: 1 }
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
