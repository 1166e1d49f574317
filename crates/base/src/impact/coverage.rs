//! How completely the events of an account were read.

use std::fmt;

/// How completely the events of an account were read over the time of `--since`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Coverage {
    /// All management events of us-east-1, over the whole time.
    Complete,
    /// Random windows of the event history.
    Sampled {
        /// The number of windows that were read.
        read: u32,
        /// The number of windows in all.
        windows: u32,
    },
    /// Some events were read, and this is missing.
    Incomplete(String),
    /// No event was read.
    #[default]
    None,
}

impl Coverage {
    /// The share of windows, in percent, that can have events that the sample did not meet, with 95% confidence: the rule of three
    /// (none in n windows: at most 3/n).
    pub(crate) fn bound_percent(read: u32) -> f64 {
        if read <= 3 { 100.0 } else { 300.0 / f64::from(read) }
    }

    /// Returns the better of two coverages of the same account. Files win over the history where both are as good.
    pub fn or(self, other: Self) -> Self {
        let rank = |coverage: &Self| match coverage {
            Self::Complete => 3,
            Self::Sampled { .. } => 2,
            Self::Incomplete(_) => 1,
            Self::None => 0,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// The value of the column `coverage`.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Sampled { read, windows } => write!(f, "sampled {read}/{windows}"),
            Self::Incomplete(_) => f.write_str("incomplete"),
            Self::None => f.write_str("none"),
        }
    }
}
