//! This module owns the ways in which `v2token iam` ends without a result: what stderr says, in the AWS CLI's words, and the exit
//! code.

use super::answer::Refusal;
use crate::cloud::aws::Unanswered;

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

    /// What stderr says.
    pub(super) fn text(&self) -> String {
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
