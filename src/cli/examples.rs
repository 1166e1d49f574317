//! This module owns the examples below the help of the commands. Tests run them.

/// What stands below the long help of a command.
pub(super) fn above(examples: &str, exit_codes: &str) -> String {
    // The backslash at their beginning takes the first line's indentation away.
    let examples = format!("Examples:\n  {examples}");
    if exit_codes.is_empty() { examples } else { format!("{examples}\n\n{exit_codes}") }
}

pub(super) const PLAN: &str = "\
  Read every account, and say what apply would change:
    v2token plan

  A drift check: 4 when an account is not on v2Token, and a report for the ticket:
    v2token plan --detailed-exitcode --output none --report drift.md

  The accounts that would change, one id a line:
    v2token plan --output text \\
      --query \"accounts[?outcome=='would_change'].[account_id]\"";

pub(super) const APPLY: &str = "\
  Set exactly what a plan has found:
    v2token apply --plan v2token-runs/20261121T160000Z-ghijkl

  Two accounts first, then a tenth, then the rest, with half an hour in between:
    v2token apply --canary 111122223333,444455556666 --waves 2,10%,100% \\
      --bake 30m

  In a pipeline, where nobody can be asked:
    v2token apply --yes --no-progress --report rollout.csv,rollout.md";

pub(super) const RESUME: &str = "\
  Go on where the run stopped:
    v2token resume v2token-runs/20261122T041500Z-abcdef

  Visit what failed once more, at a slower pace:
    v2token resume v2token-runs/20261122T041500Z-abcdef --retry-failed \\
      --rate 10";

pub(super) const ROLLBACK: &str = "\
  See what would be put back:
    v2token rollback v2token-runs/20261122T041500Z-abcdef --dry-run

  Put back one account:
    v2token rollback v2token-runs/20261122T041500Z-abcdef \\
      --account 111122223333";

pub(super) const REPORT: &str = "\
  Show a run again, and write its page and its Markdown:
    v2token report v2token-runs/20261122T041500Z-abcdef \\
      --report page.html --report ticket.md

  The failed accounts and their error codes, for a script:
    v2token report v2token-runs/20261122T041500Z-abcdef --output text \\
      --query \"accounts[?outcome=='failed'].[account_id, error_code]\"

  What has changed since the plan:
    v2token report v2token-runs/20261122T041500Z-abcdef \\
      --against v2token-runs/20261121T160000Z-ghijkl

  The parts of --shard as one run:
    v2token report v2token-runs/20261122T041500Z-abcdef \\
      v2token-runs/20261122T041501Z-bcdefg";

pub(super) const DOCTOR: &str = "\
  Before anything else:
    v2token doctor

  Try the way into more accounts, and print what needs a look:
    v2token doctor --sample 10 --output text \\
      --query \"checks[?status!='ok'].[status, account_id, message]\"";

pub(super) const POLICY: &str = "\
  What the role in every account must be allowed to be read:
    v2token policy role --for plan

  Who may assume it:
    v2token policy trust --caller-arn arn:aws:iam::111122223333:role/Operator

  A StackSet that makes the role:
    v2token policy stackset --role TokenVersion \\
      --caller-arn arn:aws:iam::111122223333:role/Operator";

pub(super) const COMPLETIONS: &str = "\
  For the user alone:
    v2token completions bash \\
      > ~/.local/share/bash-completion/completions/v2token
    v2token completions zsh > ~/.zfunc/_v2token
    v2token completions fish > ~/.config/fish/completions/v2token.fish";

pub(super) const MAN: &str = "\
  Read it:
    v2token man > v2token.1

  Install a page for each command:
    v2token man ~/.local/share/man/man1";
