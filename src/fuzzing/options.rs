//! This module owns the laws of what is typed: options, ids, patterns.

use std::fmt::Display;
use std::str::FromStr;

use clap::Parser as _;

use crate::awscli::fuzzing::arguments;
use crate::cli::{Cli, SessionPolicy, parse_all};
use crate::org::name_pattern::NamePattern;
use crate::org::role::{RoleTemplate, ViaRole, is_external_id};
use crate::org::shard::{Shard, ShardChoice};
use crate::org::unit::ids_in;
use crate::org::{AccountId, Caller, Tag, TokenVersion, UnitId, caller::account_in_arn};
use crate::rollout::wave::Waves;
use crate::rollout::{Tolerance, Verify};

/// What is accepted says the same when it is written and read again, and what is refused is refused with a reason. Lines after the
/// first are what the first is applied to.
pub fn option(bytes: &[u8]) {
    let all = String::from_utf8_lossy(bytes);
    let (text, applied) = all.split_once('\n').unwrap_or((&all, ""));
    if let Some(id) = says_the_same::<AccountId>(text) {
        assert_eq!(id.to_string(), text);
    }
    says_the_same::<UnitId>(text);
    says_the_same::<Tag>(text);
    says_the_same::<TokenVersion>(text);
    says_the_same::<Tolerance>(text);
    says_the_same::<Verify>(text);
    says_the_same::<ViaRole>(text);
    parse_all(text);
    drop(text.parse::<SessionPolicy>());
    drop(text.parse::<ShardChoice>());
    if let Some(shard) = says_the_same::<Shard>(text) {
        let _ = shard.contains(AccountId::try_from("000000000012".to_owned()).expect("an id"));
    }
    if let Some(waves) = says_the_same::<Waves>(text) {
        for selection in [0, 1, 7, 50_000] {
            let sizes = waves.sizes(selection);
            assert!(
                sizes.iter().sum::<usize>() == selection && !sizes.contains(&0),
                "{waves} of {selection}: {sizes:?}"
            );
        }
    }
    if let Some(role) = says_the_same::<RoleTemplate>(text) {
        let account = AccountId::try_from("000000000012".to_owned()).expect("an id");
        let caller =
            Caller::from_api(Some("000000000100"), Some("arn:aws:iam::000000000100:user/x")).expect("a caller");
        let arn = role.arn(&caller.partition, account);
        assert_eq!(account_in_arn(&arn), Some(account), "{arn} is in the account that is meant");
    }
    if let Some(pattern) = says_the_same::<NamePattern>(text) {
        let _ = pattern.matches(applied);
        let literal = !text.contains(['*', '?']);
        assert!(!literal || pattern.matches(applied) == (applied == text), "without signs it is the name itself");
        assert!(!literal || pattern.matches(text));
    }
    drop(Caller::from_api(Some(text), Some(applied)));
    ids_in(text).for_each(drop);
    assert!(!is_external_id(text) || text.is_ascii());
}

/// Whatever is typed, one word a line, it is understood or refused.
pub fn command_line(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<String> = text.lines().map(str::to_owned).collect();
    arguments(&words);
    drop(Cli::try_parse_from(std::iter::once("v2token").chain(text.lines())));
}

/// Reads the text; what it gives must say the same when it is written and read again.
fn says_the_same<T: FromStr + Display + PartialEq>(text: &str) -> Option<T> {
    let value = text.parse::<T>().ok()?;
    let written = value.to_string();
    let again = written.parse::<T>().ok();
    assert!(again.as_ref() == Some(&value), "{text:?} is written as {written:?}, which says something else");
    Some(value)
}
