//! Rules for empty, misspelt and conflicting `V2TOKEN_…` variables, because clap has no such rules.

use std::collections::BTreeSet;
use std::env;

use clap::CommandFactory as _;

use super::Cli;
use crate::suggest::nearest_by_key;

/// The two variables for the wanted version. The option has two names, and each name has its variable.
const TARGETS: [&str; 2] = ["V2TOKEN_TO", "V2TOKEN_GLOBAL_ENDPOINT_TOKEN_VERSION"];

/// The variables that select accounts. Such a variable must not be ignored if it is empty, because the run would then select
/// every account, or the exceptions, most likely by mistake.
const SELECTORS: [&str; 9] = [
    "V2TOKEN_ACCOUNT",
    "V2TOKEN_ACCOUNTS_FROM",
    "V2TOKEN_OU",
    "V2TOKEN_TAG",
    "V2TOKEN_NAME",
    "V2TOKEN_EXCEPTIONS",
    "V2TOKEN_JOINED_SINCE",
    "V2TOKEN_SHARD",
    "V2TOKEN_PLAN",
];

/// Ignores the variable of an option if it is empty, as every AWS tool does. For the wanted version, also reads `V2TOKEN_TO`.
pub(super) fn ignore_if_empty(argument: clap::Arg) -> clap::Arg {
    let is_target = argument.get_id() == "global_endpoint_token_version";
    match argument.get_env().and_then(env::var_os).map(|value| value.is_empty()) {
        Some(false) => argument,
        _ if is_target && env::var_os(TARGETS[0]).is_some_and(|value| !value.is_empty()) => argument.env(TARGETS[0]),
        Some(true) => argument.env(clap::builder::Resettable::Reset),
        None => argument,
    }
}

/// Returns the variables of the wanted version if they are set to different versions.
pub(crate) fn conflicting_target_variables() -> Option<[&'static str; 2]> {
    let [short, long] = TARGETS.map(|name| env::var_os(name).filter(|value| !value.is_empty()));
    (short.is_some() && long.is_some() && short != long).then_some(TARGETS)
}

/// Returns the first of the `SELECTORS` that is set to an empty text.
pub(crate) fn empty_selector_variable() -> Option<&'static str> {
    SELECTORS.into_iter().find(|name| env::var_os(name).is_some_and(|value| value.is_empty()))
}

/// Returns a variable that looks misspelt, and the name that was probably meant. Without this check, a misspelt variable for an
/// exclusion would silently exclude nothing.
pub(crate) fn mistyped_variable() -> Option<(String, String)> {
    let command = Cli::command();
    let arguments = command.get_subcommands().flat_map(clap::Command::get_arguments);
    let known: BTreeSet<String> =
        arguments.filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned)).collect();
    let known = known.into_iter().chain(TARGETS.map(str::to_owned)).collect();
    let set = env::vars_os().filter(|(_, value)| !value.is_empty()).filter_map(|(name, _)| name.into_string().ok());
    set.into_iter().find_map(|name| {
        let meant = meant_variable(&name, &known)?;
        Some((name, meant))
    })
}

/// Returns the known variable that was probably meant by a name that is not known. Only names of this program are judged: those that
/// begin with `V2TOKEN`, apart from case and underscores.
fn meant_variable(name: &str, known: &BTreeSet<String>) -> Option<String> {
    let plain = |name: &str| name.replace(['_', '-'], "").to_ascii_uppercase();
    let option = plain(name).strip_prefix("V2TOKEN").map(str::to_owned)?;
    if known.contains(name) {
        return None;
    }
    // A short name is near many others.
    let limit = 2.min(option.len() / 2);
    let options = known.iter().map(|known| (plain(known), known));
    let near = options.map(|(known, name)| (plain(&known)["V2TOKEN".len()..].to_owned(), name.clone()));
    nearest_by_key(&option, near, |(option, _)| option.as_str(), limit).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_recognized() {
        let known = ["V2TOKEN_ROLE", "V2TOKEN_TO", "V2TOKEN_FOR", "V2TOKEN_OU", "V2TOKEN_EXCLUDE_ACCOUNT"];
        let known = known.map(str::to_owned).into();
        for (name, meant) in [
            ("V2TOKEN_ROLL", Some("V2TOKEN_ROLE")),
            ("V2TOKEN_ROLES", Some("V2TOKEN_ROLE")),
            ("V2TOKENROLE", Some("V2TOKEN_ROLE")),
            ("V2_TOKEN_ROLE", Some("V2TOKEN_ROLE")),
            ("v2token_role", Some("V2TOKEN_ROLE")),
            ("V2TOKEN_EXCLUDE_ACCOUNTS", Some("V2TOKEN_EXCLUDE_ACCOUNT")),
            ("V2TOKEN_EXCLUDEACOUNT", Some("V2TOKEN_EXCLUDE_ACCOUNT")),
            ("V2TOKEN_TOO", Some("V2TOKEN_TO")),
            ("V2TOKEN_ROLE", None),
            ("V2TOKEN_TO", None),
            ("V2TOKEN_T", None),
            ("V2TOKEN_BUILD_NUMBER", None),
            ("V2TOKEN", None),
            ("ROLE", None),
            ("AWS_ROLE", None),
        ] {
            assert_eq!(meant_variable(name, &known).as_deref(), meant, "{name}");
        }
    }
}
