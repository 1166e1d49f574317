//! This module owns what shells and manual pages are told of `v2token iam`: its help, taken apart.

use super::help;
use super::options::{self, Operation, Topic};

/// An option of `v2token iam`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name, without the dashes.
    pub long: &'static str,
    /// What its value is called, if it takes one.
    pub value: Option<&'static str>,
    /// The values that it takes, if these are all.
    pub choices: &'static [&'static str],
    /// What it is for.
    pub help: &'static str,
}

/// An operation of `v2token iam`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DescribedOperation {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub about: &'static str,
    /// The options that only it has.
    pub options: Vec<Described>,
}

/// The operations.
pub(crate) fn operations() -> Vec<DescribedOperation> {
    let operation = |name, operation| {
        let text = help::of(Topic::Operation(operation));
        DescribedOperation { name, about: text.lines().next().unwrap_or_default(), options: lines(text) }
    };
    vec![
        operation("set-security-token-service-preferences", Operation::SetSecurityTokenServicePreferences),
        operation("get-account-summary", Operation::GetAccountSummary),
    ]
}

/// The options of all operations.
pub fn global_options() -> Vec<Described> {
    lines(help::GLOBAL)
}

/// The options in a help text: a line each, with two spaces or more before what they are for.
fn lines(text: &'static str) -> Vec<Described> {
    let options = text.lines().filter_map(|line| line.strip_prefix("  --"));
    options
        .filter_map(|line| {
            let (option, help) = line.split_once("  ")?;
            let (long, value) = option.split_once(' ').map_or((option, None), |(long, value)| (long, Some(value)));
            Some(Described { long, value, choices: options::choices(long), help: help.trim_start() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_option_is_described_but_those_that_do_nothing_here() {
        let (operations, global) = (operations(), global_options());
        let own = operations.iter().flat_map(|operation| &operation.options);
        let described: BTreeSet<String> = own.chain(&global).map(|option| format!("--{}", option.long)).collect();
        let known: BTreeSet<String> = options::names().into_iter().map(str::to_owned).collect();
        let silent: BTreeSet<String> = ["--help", "--v2-debug"].map(str::to_owned).into();
        assert_eq!(described, &known - &silent);
        assert!(operations.iter().all(|operation| operation.about.ends_with('.')), "{operations:?}");
        let output = global.iter().find(|option| option.long == "output").unwrap();
        assert_eq!((output.value, output.choices), (Some("FORMAT"), &["json", "text", "table"][..]));
    }
}
