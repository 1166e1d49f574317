//! The examples in the help of the commands. Tests run them.

/// Returns the end of a command's long help.
pub(super) fn before_exit_codes(examples: &str, exit_codes: &str) -> String {
    // The backslash at the start of each constant removes the indentation of its first line, so the indentation is added here.
    let examples = format!("Examples:\n  {examples}");
    if exit_codes.is_empty() { examples } else { format!("{examples}\n\n{exit_codes}") }
}

pub(super) const PLAN: &str = "\
  Read every account, and show what apply would change:
    v2token plan

  Detect drift: end with 4 if an account is not on v2Token, and write a report for the ticket:
    v2token plan --detailed-exitcode --output none --report drift.md

  Print the accounts that would change, one id a line:
    v2token plan --output text \\
      --query \"accounts[?outcome=='would_change'].[account_id]\"";

pub(super) const APPLY: &str = "\
  Set exactly the accounts that a plan would change:
    v2token apply --plan v2token-runs/20261121T160000Z-ghijkl

  Set two accounts first, then a tenth, then the rest, with half an hour between the waves:
    v2token apply --canary 111122223333,444455556666 --waves 2,10%,100% \\
      --bake 30m

  Run in a pipeline, without a question:
    v2token apply --yes --no-progress --report rollout.csv,rollout.md";

pub(super) const RESUME: &str = "\
  Continue where the run stopped:
    v2token resume v2token-runs/20261122T041500Z-abcdef

  Visit failed accounts again, at a lower rate:
    v2token resume v2token-runs/20261122T041500Z-abcdef --retry-failed \\
      --rate 10";

pub(super) const ROLLBACK: &str = "\
  Show what would be undone:
    v2token rollback v2token-runs/20261122T041500Z-abcdef --dry-run

  Undo one account:
    v2token rollback v2token-runs/20261122T041500Z-abcdef \\
      --account 111122223333";

pub(super) const REPORT: &str = "\
  Show a run, and write its HTML page and its Markdown:
    v2token report v2token-runs/20261122T041500Z-abcdef \\
      --report page.html --report ticket.md

  Print the failed accounts and their error codes, for a script:
    v2token report v2token-runs/20261122T041500Z-abcdef --output text \\
      --query \"accounts[?outcome=='failed'].[account_id, error_code]\"

  Show what changed since the plan:
    v2token report v2token-runs/20261122T041500Z-abcdef \\
      --against v2token-runs/20261121T160000Z-ghijkl

  Show the parts of --shard as one run:
    v2token report v2token-runs/20261122T041500Z-abcdef \\
      v2token-runs/20261122T041501Z-bcdefg

  Pack a run for an auditor, and check the file:
    v2token report v2token-runs/20261122T041500Z-abcdef \\
      --evidence evidence.zip
    v2token report --verify-evidence evidence.zip";

pub(super) const RUNS: &str = "\
  List the runs, newest first:
    v2token runs

  Print the folders of the runs in which an account failed:
    v2token runs --output text --query 'runs[?failed>`0`].[folder]'

  Show the newest run, and one by the beginning of its id:
    v2token report latest
    v2token report 20261122T041500Z-a";

pub(super) const HISTORY: &str = "\
  Show what all runs know of an account:
    v2token history 111122223333

  Write it into a file for a ticket:
    v2token history 111122223333 --report history.csv --output none";

pub(super) const DOCTOR: &str = "\
  Check everything:
    v2token doctor

  Check more accounts, and print warnings and failures only:
    v2token doctor --sample 10 --output text \\
      --query \"checks[?status!='ok'].[status, account_id, message]\"";

pub(super) const IMPACT: &str = "\
  Read the files of an organization trail, after aws s3 sync:
    v2token plan --report accounts.csv
    v2token impact --offline --accounts-from accounts.csv --events AWSLogs/

  Use the result of a query in Athena instead:
    v2token impact sql > query.sql
    v2token impact --offline --accounts-from accounts.csv \\
      --events result.csv

  Print the affected accounts:
    v2token impact --offline --accounts-from accounts.csv --events AWSLogs/ \\
      --output text --query \"accounts[?verdict=='longer_tokens'].[account_id]\"";

pub(super) const POLICY: &str = "\
  Print what the role must be allowed for a plan:
    v2token policy role --for plan

  Print who is allowed to assume the role:
    v2token policy trust --caller-arn arn:aws:iam::111122223333:role/Operator

  Print a StackSet template that creates the role:
    v2token policy stackset --role TokenVersion \\
      --caller-arn arn:aws:iam::111122223333:role/Operator

  Print the same role as a Terraform configuration:
    v2token policy terraform --role TokenVersion \\
      --caller-arn arn:aws:iam::111122223333:role/Operator";

pub(super) const COMPLETIONS: &str = "\
  Install completions for the current user:
    v2token completions bash \\
      > ~/.local/share/bash-completion/completions/v2token
    v2token completions zsh > ~/.zfunc/_v2token
    v2token completions fish > ~/.config/fish/completions/v2token.fish";

pub(super) const MAN: &str = "\
  Write the page of v2token, and read it:
    v2token man > v2token.1 && man -l v2token.1

  Install the pages of all commands:
    v2token man ~/.local/share/man/man1";
