//! The options of the commands that work on accounts, as they are promised: group, spellings, default, and commands.

use std::collections::{BTreeMap, BTreeSet};

use clap::Arg;

use super::{definition, spellings};

/// For each group its options: spellings, default, and the commands that have it if not all do. `–` is no default, and a switch is `off`.
type Group = (&'static str, &'static [(&'static str, &'static str, &'static str)]);

/// `docs/help.md` is regenerated without a look at what changed, so the promise is here.
const OPTIONS: [Group; 6] = [
    (
        "Target",
        &[
            ("--global-endpoint-token-version, --to", "v2Token", ""),
            ("--sample", "5", "doctor"),
            ("--no-global", "off", "doctor"),
        ],
    ),
    (
        "Selection",
        &[
            ("--account", "–", ""),
            ("--exclude-account", "–", ""),
            ("--accounts-from", "–", ""),
            ("--ou", "–", ""),
            ("--exclude-ou", "–", ""),
            ("--tag", "–", ""),
            ("--exclude-tag", "–", ""),
            ("--name", "–", ""),
            ("--joined-since", "–", ""),
            ("--exclude-name", "–", ""),
            ("--exceptions", "–", ""),
            ("--shard", "–", ""),
            ("--plan", "–", "apply"),
        ],
    ),
    (
        "Access",
        &[
            ("--profile", "AWS_DEFAULT_PROFILE, AWS_PROFILE", ""),
            ("--region", "AWS_REGION, AWS_DEFAULT_REGION, the profile", ""),
            ("--role", "OrganizationAccountAccessRole", ""),
            ("--via-role", "–", ""),
            ("--external-id", "–", ""),
            ("--session-name", "v2token-<run id>", ""),
            ("--source-identity", "–", ""),
            ("--session-duration", "900", ""),
            ("--session-policy", "scoped", ""),
            ("--mfa-serial", "mfa_serial of a profile that assumes a role", ""),
            ("--mfa-token", "ask", ""),
            ("--access", "role", ""),
            ("--management-account", "own", ""),
            ("--endpoint-url", "–", ""),
            ("--ca-bundle", "AWS_CA_BUNDLE, or the system's", ""),
        ],
    ),
    (
        "Pace",
        &[
            ("--concurrency", "32", ""),
            ("--rate", "50", ""),
            ("--max-attempts", "8", ""),
            ("--account-timeout", "2m", ""),
        ],
    ),
    (
        "Rollout",
        &[
            ("--waves", "1,10%,100%", ""),
            ("--canary", "–", ""),
            ("--bake", "1m", ""),
            ("--gate", "–", ""),
            ("--gate-timeout", "10m", ""),
            ("--impact", "–", "plan, apply"),
            ("--max-errors", "10%; plan: no limit", ""),
            ("--verify", "setting", ""),
            ("--reason", "–", ""),
            ("--yes, -y", "off", ""),
            ("--dry-run", "off", "apply, rollback"),
            ("--retry-failed", "off", "resume"),
            ("--leave-failed", "off", "resume"),
            ("--no-explain", "off", ""),
        ],
    ),
    (
        "Output",
        &[
            ("--run-dir", "v2token-runs/<run id>", ""),
            ("--resume-or-start", "off", "plan, apply"),
            ("--report", "–", ""),
            ("--output", "table", ""),
            ("--query", "–", ""),
            ("--color", "auto", ""),
            ("--no-progress", "off", ""),
            ("--quiet, -q", "off", ""),
            ("--verbose, -v", "off", ""),
            ("--debug", "off", ""),
            ("--log-format", "text", ""),
            ("--for", "apply", "policy"),
            ("--caller-arn", "the caller that GetCallerIdentity returns", "policy"),
            ("--detailed-exitcode", "off", "plan, apply"),
        ],
    ),
];

/// The commands that work on accounts. `iam` has the AWS CLI's options, and the others need no accounts.
fn commands_on_accounts(definition: &clap::Command) -> Vec<&clap::Command> {
    definition
        .get_subcommands()
        .filter(|command| {
            !["help", "iam", "impact", "report", "runs", "history", "completions", "man"].contains(&command.get_name())
        })
        .collect()
}

/// The options of a command, without help and version.
fn options_of(command: &clap::Command) -> impl Iterator<Item = &Arg> {
    command
        .get_arguments()
        .filter(|argument| argument.get_long().is_some_and(|long| !["help", "version"].contains(&long)))
}

/// The default of an option: the one that clap inserts, or else the one that the help names.
fn default_of(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let named = help.split_once("[default: ").and_then(|(_, rest)| rest.split_once(']'));
    let values: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    if !argument.get_action().takes_values() {
        "off".to_owned()
    } else if values.is_empty() {
        named.map_or_else(|| "–".to_owned(), |(default, _)| default.to_owned())
    } else {
        values.join(",")
    }
}

/// The options that only `impact` has, with their defaults.
const IMPACT: [(&str, &str); 5] =
    [("--events", "–"), ("--offline", "off"), ("--since", "90d"), ("--max-pages", "20"), ("--with-addresses", "off")];

#[test]
fn impact_has_the_options_of_the_promised_groups() {
    let definition = definition();
    let options = |name: &str| -> BTreeMap<String, (String, String)> {
        let command = definition.find_subcommand(name).expect("the command");
        let entry = |argument: &Arg| {
            let group = argument.get_help_heading().expect("a group").to_owned();
            (format!("--{}", argument.get_long().expect("a name")), (group, default_of(argument)))
        };
        options_of(command).map(entry).collect()
    };
    let mut expected = options("plan");
    expected.retain(|_, (group, _)| ["Selection", "Access", "Pace", "Output"].contains(&group.as_str()));
    // An impact can't be resumed.
    expected.remove("--resume-or-start");
    expected.extend(IMPACT.map(|(name, default)| (name.to_owned(), ("Events".to_owned(), default.to_owned()))));
    assert_eq!(options("impact"), expected);
}

#[test]
fn every_option_has_the_promised_group_default_and_commands() {
    let set = |list: &str| list.split(", ").map(str::to_owned).collect::<BTreeSet<_>>();
    let mut promised = BTreeMap::new();
    for (group, options) in OPTIONS {
        for (names, default, commands) in options {
            let entry = (group.to_owned(), (*default).to_owned(), (*commands).to_owned());
            assert!(promised.insert(set(names), entry).is_none(), "{names} is in the table twice");
        }
    }
    let definition = definition();
    let commands = commands_on_accounts(&definition);
    let mut defined: BTreeMap<BTreeSet<String>, (String, String, Vec<&str>)> = BTreeMap::new();
    for command in &commands {
        for argument in options_of(command) {
            let group = argument.get_help_heading().expect("a group").to_owned();
            let names = spellings(argument).into_iter().collect();
            let entry = defined.entry(names).or_insert_with(|| (group.clone(), default_of(argument), Vec::new()));
            assert_eq!((&entry.0, &entry.1), (&group, &default_of(argument)), "it differs in {}", command.get_name());
            entry.2.push(command.get_name());
        }
    }
    let defined: BTreeMap<_, _> = defined
        .into_iter()
        .map(|(names, (group, default, by))| {
            (names, (group, default, if by.len() < commands.len() { by.join(", ") } else { String::new() }))
        })
        .collect();
    assert_eq!(promised, defined, "left: the promise, right: the program");
}
