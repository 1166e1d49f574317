//! This module owns the ways in which `v2token iam` ends without a result: what stderr says, in the AWS CLI's words, and the exit
//! code.

use super::answer::Refusal;
use super::unanswered::Unanswered;
use crate::sanitize::for_terminal;

/// Why there is no result.
#[derive(Clone, Debug)]
pub(super) enum Ended {
    /// The command line does not parse.
    Usage(String),
    /// Words that no parser knows.
    UnknownOptions(Vec<String>),
    /// The service refused, after this many retries if they were used up.
    Refused { refusal: Refusal, operation: &'static str, retries: Option<u32> },
    /// There was no answer.
    Unanswered(Unanswered),
    /// Anything else, in the AWS CLI's words.
    Said(String),
    /// SIGINT.
    Interrupted,
}

impl Ended {
    pub(super) fn said(message: impl Into<String>) -> Self {
        Self::Said(message.into())
    }

    /// The process's exit code.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::UnknownOptions(_) | Self::Refused { .. } | Self::Unanswered(_) | Self::Said(_) => 255,
            Self::Interrupted => 130,
        }
    }

    /// What stderr says. Messages come from outside, and must not do anything to a terminal.
    pub(super) fn text(&self) -> String {
        self.words().split('\n').map(for_terminal).collect::<Vec<_>>().join("\n")
    }

    fn words(&self) -> String {
        match self {
            Self::Usage(message) => format!("{}\nv2token: error: {message}\n", super::help::USAGE),
            Self::UnknownOptions(words) => format!("{}\n\nUnknown options: {}\n", super::help::USAGE, words.join(", ")),
            Self::Refused { refusal, operation, retries } => {
                let retries = retries.map_or_else(String::new, |retries| format!(" (reached max retries: {retries})"));
                let Refusal { code, message } = refusal;
                format!("\nAn error occurred ({code}) when calling the {operation} operation{retries}: {message}\n")
            }
            // For these two the AWS CLI leaves out the empty line.
            Self::Unanswered(unanswered @ (Unanswered::NoCredentials | Unanswered::NoRegion)) => {
                format!("{unanswered}\n")
            }
            Self::Unanswered(unanswered) => format!("\n{unanswered}\n"),
            Self::Said(message) => format!("\n{message}\n"),
            Self::Interrupted => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_has_its_code_and_its_words() {
        let refusal = || Refusal { code: "AccessDenied".to_owned(), message: "no\u{1b}[2J".to_owned() };
        let refused = |retries| Ended::Refused { refusal: refusal(), operation: "GetAccountSummary", retries };
        let sentence = "\nAn error occurred (AccessDenied) when calling the GetAccountSummary operation";
        let unreachable = Unanswered::Unreachable { url: "http://x/".to_owned() };
        for (ended, code, words) in [
            (Ended::Usage("wrong".to_owned()), 2, format!("{}\nv2token: error: wrong\n", super::super::help::USAGE)),
            (
                Ended::UnknownOptions(vec!["-a".to_owned(), "b".to_owned()]),
                255,
                format!("{}\n\nUnknown options: -a, b\n", super::super::help::USAGE),
            ),
            (refused(None), 255, format!("{sentence}: no\\u{{1b}}[2J\n")),
            (refused(Some(4)), 255, format!("{sentence} (reached max retries: 4): no\\u{{1b}}[2J\n")),
            (Ended::Unanswered(Unanswered::NoRegion), 255, format!("{}\n", Unanswered::NoRegion)),
            (
                Ended::Unanswered(unreachable),
                255,
                "\nCould not connect to the endpoint URL: \"http://x/\"\n".to_owned(),
            ),
            (Ended::said("so"), 255, "\nso\n".to_owned()),
            (Ended::Interrupted, 130, String::new()),
        ] {
            assert_eq!((ended.exit_code(), ended.text()), (code, words), "{ended:?}");
        }
    }
}
