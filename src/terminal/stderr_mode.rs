//! The mode of stderr: which lines it shows, in which form, and whether there is a bar.

/// The style of the progress on stderr while a command is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgressStyle {
    /// A bar at the bottom of the terminal.
    Bar,
    /// A line from time to time.
    Lines,
    /// No progress.
    Silent,
}

impl ProgressStyle {
    /// Selects the style.
    ///
    /// | option | terminal | no terminal, or CI |
    /// |---|---|---|
    /// | `-q` or `--no-progress` | silent | silent |
    /// | `--debug`, `-v`, or `--log-format json` | lines | lines |
    /// | none of these | bar | lines |
    pub(crate) const fn select(is_terminal: bool, is_ci: bool, no_progress: bool, many_lines: bool) -> Self {
        match (no_progress, many_lines, is_terminal && !is_ci) {
            (true, _, _) => Self::Silent,
            (false, true, _) | (false, false, false) => Self::Lines,
            (false, false, true) => Self::Bar,
        }
    }
}

/// The mode of stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StderrMode {
    /// The style of the progress.
    pub progress: ProgressStyle,
    /// Whether to use colours.
    pub color: bool,
    /// Whether to show only errors.
    pub quiet: bool,
    /// Whether to show a line for each account.
    pub verbose: bool,
    /// Whether to show a line for each call.
    pub debug: bool,
    /// Whether to write each line as JSON.
    pub json_log: bool,
}

#[cfg(test)]
mod tests {
    use super::ProgressStyle::{self, Bar, Lines, Silent};

    #[test]
    fn the_style_follows_from_the_options_and_the_terminal() {
        for (no_progress, many_lines, on_terminal, elsewhere) in [
            (true, false, Silent, Silent),
            (true, true, Silent, Silent),
            (false, true, Lines, Lines),
            (false, false, Bar, Lines),
        ] {
            assert_eq!(ProgressStyle::select(true, false, no_progress, many_lines), on_terminal);
            assert_eq!(ProgressStyle::select(true, true, no_progress, many_lines), elsewhere);
            assert_eq!(ProgressStyle::select(false, false, no_progress, many_lines), elsewhere);
        }
    }
}
