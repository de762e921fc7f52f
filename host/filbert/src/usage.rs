//! What is said about a command line that makes no sense, in the form of all our errors.

use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::failure::{Failure, Outcome};
use crate::output;

/// Help and version are data; everything else is misuse.
pub(crate) fn explain(error: &clap::Error) -> Outcome<ExitCode> {
    let text = error.render().to_string();
    if !error.use_stderr() {
        output::data(text)?;
        return Ok(ExitCode::SUCCESS);
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        output::note(text.trim_end());
        return Ok(ExitCode::from(2));
    }
    let (message, hint) = parts(&text);
    Err(Failure::misuse(message).hint(hint))
}

/// The error and what to do about it, from the parser's text.
fn parts(text: &str) -> (String, String) {
    let mut paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    let message = paragraphs.next().unwrap_or_default();
    let message = message.strip_prefix("error: ").unwrap_or(message).to_owned();
    let (mut tip, mut usage) = (None, None);
    for paragraph in paragraphs {
        if let Some(text) = paragraph.strip_prefix("tip: ") {
            tip = tip.or(Some(text.to_owned()));
        } else if let Some(text) = paragraph.strip_prefix("Usage: ") {
            usage = Some(format!("the usage is `{text}`; `--help` says more"));
        }
    }
    (message, tip.or(usage).unwrap_or_else(|| "`--help` says what there is".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tip_is_worth_more_than_the_usage() {
        let text = "error: no such thing '--a'\n\n  tip: there is '--b'\n\nUsage: filbert\n\nFor more information, try '--help'.\n";
        assert_eq!(parts(text), ("no such thing '--a'".to_owned(), "there is '--b'".to_owned()));
    }
}
