//! This module owns the help of `v2token iam`.

use super::options::{Operation, Topic};

/// How to write a command, above every complaint about one.
pub(super) const USAGE: &str = "\
usage: v2token [options] iam <subcommand> [parameters]
To see help text, you can run:

  v2token iam help
  v2token iam <subcommand> help
";

const IAM: &str = "\
Call IAM in one account as the AWS CLI v1 does: a script moves over by changing `aws` to `v2token`.

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

pub(super) const GLOBAL: &str = "
Global options, anywhere on the command line, may be shortened to any unambiguous beginning:
  --profile NAME            the AWS profile [default: AWS_PROFILE]
  --region REGION           the Region to sign for behind an endpoint of one's own [default: AWS_DEFAULT_REGION]
  --output FORMAT           json, text, or table [default: AWS_DEFAULT_OUTPUT, or json]
  --query JMESPATH          what to print of the result
  --color WHEN              on, off, or auto, for tables
  --endpoint-url URL        where to send the request instead [default: AWS_ENDPOINT_URL_IAM, or AWS's]
  --ca-bundle FILE          trust only the certificate authorities in this file [default: AWS_CA_BUNDLE]
  --no-verify-ssl           trust anybody
  --no-sign-request         do not sign, and do not look for credentials
  --cli-read-timeout N      seconds to wait for the answer, 0 for ever [default: 60]
  --cli-connect-timeout N   seconds to wait for the connection, 0 for ever [default: 60]
  --no-paginate             accepted; neither operation has pages
  --debug                   log to stderr, never with a secret
  --version                 print the version

Exit codes:
  0    done
  2    the command line is wrong
  130  stopped by SIGINT
  255  everything else
";

/// The text of a help.
pub(super) fn text(topic: Topic) -> String {
    format!("{}{GLOBAL}", of(topic))
}

/// The part of a help that is not the same everywhere.
pub(super) const fn of(topic: Topic) -> &'static str {
    match topic {
        Topic::Iam => IAM,
        Topic::Operation(Operation::SetSecurityTokenServicePreferences) => SET,
        Topic::Operation(Operation::GetAccountSummary) => SUMMARY,
    }
}
