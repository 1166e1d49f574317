//! The variables with which a user asks for colours, or against them.

/// What the variables say about colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ColorVariables {
    /// Whether colours are wanted or not, whatever the output is; `None` if a terminal decides.
    wanted: Option<bool>,
}

impl ColorVariables {
    /// Reads the variables. `NO_COLOR` goes before the others (no-color.org). `FORCE_COLOR` and `CLICOLOR_FORCE` ask for colours also
    /// without a terminal, and `CLICOLOR=0` asks for none (force-color.org, bixense.com/clicolors). A dumb terminal has no colours.
    pub(crate) fn read(value: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| value(name).filter(|value| !value.is_empty());
        let forced =
            ["FORCE_COLOR", "CLICOLOR_FORCE"].map(|name| set(name).map(|value| value != "0" && value != "false"));
        let wanted = if set("NO_COLOR").is_some() {
            Some(false)
        } else if forced.contains(&Some(true)) {
            Some(true)
        } else if forced[0] == Some(false) || set("CLICOLOR").is_some_and(|value| value == "0") {
            Some(false)
        } else {
            set("TERM").is_some_and(|term| term == "dumb").then_some(false)
        };
        Self { wanted }
    }

    /// Whether to use colours on an output that is a terminal, or is none.
    pub(crate) fn use_color(self, is_terminal: bool) -> bool {
        self.wanted.unwrap_or(is_terminal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_decide_before_the_terminal() {
        for (variables, expected) in [
            (&[][..], None),
            (&[("TERM", "xterm")], None),
            (&[("NO_COLOR", "")], None),
            (&[("NO_COLOR", "1")], Some(false)),
            (&[("NO_COLOR", "1"), ("FORCE_COLOR", "1"), ("CLICOLOR_FORCE", "1")], Some(false)),
            (&[("FORCE_COLOR", "1")], Some(true)),
            (&[("FORCE_COLOR", "3"), ("TERM", "dumb")], Some(true)),
            (&[("FORCE_COLOR", "0")], Some(false)),
            (&[("FORCE_COLOR", "")], None),
            (&[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], Some(true)),
            (&[("CLICOLOR_FORCE", "0")], None),
            (&[("CLICOLOR", "0")], Some(false)),
            (&[("CLICOLOR", "1")], None),
            (&[("TERM", "dumb")], Some(false)),
        ] {
            let value =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            let read = ColorVariables::read(value);
            assert_eq!(read.wanted, expected, "{variables:?}");
            assert_eq!(
                [true, false].map(|is_terminal| read.use_color(is_terminal)),
                [expected.unwrap_or(true), expected.unwrap_or(false),]
            );
        }
    }
}
