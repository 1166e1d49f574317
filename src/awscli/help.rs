//! The help of `v2token iam`: as text, and option by option for shells and manual pages.

use super::options::{self, Subcommand};

const IAM: &str = "\
Call IAM in one account as the AWS CLI v1 does. In a script, replace `aws` by `v2token`.

Usage: v2token [OPTIONS] iam <SUBCOMMAND> [OPTIONS]

Subcommands:
  set-security-token-service-preferences  Set the global endpoint token version of the account
  get-account-summary                     Read the account summary, which has the token version in it
  help                                    Print this help

Examples:
  Set the version in the account of the credentials, and read it:
    v2token iam set-security-token-service-preferences --global-endpoint-token-version v2Token
    v2token iam get-account-summary --query SummaryMap.GlobalEndpointTokenVersion
";

const SET: &str = "\
Set the version of the tokens that the global STS endpoint issues in the account of the credentials. Nothing is printed.

Usage: v2token iam set-security-token-service-preferences [OPTIONS]

Options:
  --global-endpoint-token-version VERSION  v1Token or v2Token, or file://PATH
  --cli-input-json JSON                    the parameters as JSON, or file://PATH; the command line wins
  --generate-cli-skeleton [input|output]   print a skeleton of that JSON, or of the output, and call nothing
";

const SUMMARY: &str = "\
Read what IAM counts in the account of the credentials. SummaryMap.GlobalEndpointTokenVersion is 1 or 2.

Usage: v2token iam get-account-summary [OPTIONS]

Options:
  --cli-input-json JSON                    accepted; there are no parameters
  --generate-cli-skeleton [input|output]   print a skeleton of that JSON, or of the output, and call nothing
";

const GLOBAL: &str = "
Global options, anywhere on the command line, may be shortened to any unambiguous prefix:
  --profile NAME            the AWS profile [default: AWS_PROFILE]
  --region REGION           the Region to sign for with an endpoint of your own [default: AWS_DEFAULT_REGION]
  --output FORMAT           json, text, or table [default: AWS_DEFAULT_OUTPUT, or json]
  --query JMESPATH          what to print of the result
  --color WHEN              on, off, or auto, for tables
  --endpoint-url URL        where to send the request instead [default: AWS_ENDPOINT_URL_IAM, or AWS's]
  --ca-bundle FILE          trust only the certificate authorities in this file [default: AWS_CA_BUNDLE]
  --no-verify-ssl           do not verify certificates
  --no-sign-request         do not sign requests, and do not look for credentials
  --cli-read-timeout N      seconds to wait for the answer, 0 for no limit [default: 60]
  --cli-connect-timeout N   seconds to wait for the connection, 0 for no limit [default: 60]
  --no-paginate             accepted; neither operation has pages
  --debug                   log to stderr, never with a secret
  --version                 print the version

Exit codes:
  0    done
  2    the command line is wrong
  130  stopped by SIGINT
  255  everything else
";

/// Returns the help text of a subcommand, or of `iam` if there is no subcommand.
pub(super) fn text(subcommand: Option<Subcommand>) -> String {
    format!("{}{GLOBAL}", subcommand.map_or(IAM, subcommand_help))
}

const fn subcommand_help(subcommand: Subcommand) -> &'static str {
    match subcommand {
        Subcommand::SetSecurityTokenServicePreferences => SET,
        Subcommand::GetAccountSummary => SUMMARY,
    }
}

/// The help of an option.
#[derive(Clone, Copy, Debug)]
pub struct OptionHelp {
    /// The name, without the dashes.
    pub long: &'static str,
    /// The placeholder of the value; `None` if the option takes no value.
    pub value: Option<&'static str>,
    /// The accepted values; empty if they can't be listed.
    pub choices: &'static [&'static str],
    /// The description.
    pub help: &'static str,
}

/// The help of a subcommand.
#[derive(Debug)]
pub(crate) struct SubcommandHelp {
    pub name: &'static str,
    /// The description in one line.
    pub about: &'static str,
    /// The options that only this subcommand has.
    pub options: Vec<OptionHelp>,
}

/// Returns the help of each subcommand.
pub(crate) fn subcommands() -> [SubcommandHelp; 2] {
    [Subcommand::SetSecurityTokenServicePreferences, Subcommand::GetAccountSummary].map(|subcommand| {
        let text = subcommand_help(subcommand);
        let about = text.lines().next().unwrap_or_default();
        SubcommandHelp { name: subcommand.as_str(), about, options: option_lines(text) }
    })
}

/// Returns the help of the options that all subcommands have.
pub fn global_options() -> Vec<OptionHelp> {
    option_lines(GLOBAL)
}

/// Parses the options in a help text: one per line, with at least two spaces before the description.
fn option_lines(text: &'static str) -> Vec<OptionHelp> {
    let parse = |line: &'static str| {
        let (option, help) = line.strip_prefix("  --")?.split_once("  ")?;
        let (long, value) = option.split_once(' ').map_or((option, None), |(long, value)| (long, Some(value)));
        Some(OptionHelp { long, value, choices: options::choices(long), help: help.trim_start() })
    };
    text.lines().filter_map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_options_but_those_without_effect_are_described() {
        let (subcommands, global) = (subcommands(), global_options());
        let own = subcommands.iter().flat_map(|subcommand| &subcommand.options);
        let described: BTreeSet<String> = own.chain(&global).map(|option| format!("--{}", option.long)).collect();
        let known: BTreeSet<String> = options::names().into_iter().map(str::to_owned).collect();
        let silent: BTreeSet<String> = ["--help", "--v2-debug"].map(str::to_owned).into();
        assert_eq!(described, &known - &silent);
        assert!(subcommands.iter().all(|subcommand| subcommand.about.ends_with('.')), "{subcommands:?}");
        let output = global.iter().find(|option| option.long == "output").unwrap();
        assert_eq!((output.value, output.choices), (Some("FORMAT"), &["json", "text", "table"][..]));
    }
}
