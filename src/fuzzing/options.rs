//! The properties of option values and command lines.

use std::fmt::Display;
use std::str::FromStr;

use clap::Parser as _;

use crate::awscli::fuzzing::arguments;
use crate::cli::{Cli, SessionPolicy, parse_all};
use crate::org::name_pattern::NamePattern;
use crate::org::organizational_unit::ids_in;
use crate::org::role::{RoleTemplate, ViaRole, is_external_id};
use crate::org::shard::{Shard, ShardChoice};
use crate::org::{AccountId, Caller, Tag, TokenVersion, UnitId, caller::account_in_arn};
use crate::rollout::wave::Waves;
use crate::rollout::{Tolerance, Verify};

/// A value that is accepted stays the same when it is written and parsed again. The first line is the value. If the value is a
/// pattern, it is applied to the following lines.
pub fn option(bytes: &[u8]) {
    let all = String::from_utf8_lossy(bytes);
    let (text, applied) = all.split_once('\n').unwrap_or((&all, ""));
    if let Some(id) = round_trip::<AccountId>(text) {
        assert_eq!(id.to_string(), text);
    }
    round_trip::<UnitId>(text);
    round_trip::<Tag>(text);
    round_trip::<TokenVersion>(text);
    round_trip::<Tolerance>(text);
    round_trip::<Verify>(text);
    round_trip::<ViaRole>(text);
    parse_all(text);
    drop(text.parse::<SessionPolicy>());
    drop(text.parse::<ShardChoice>());
    if let Some(shard) = round_trip::<Shard>(text) {
        let _ = shard.contains("000000000012".parse::<AccountId>().expect("an id"));
    }
    if let Some(waves) = round_trip::<Waves>(text) {
        for selection in [0, 1, 7, 50_000] {
            let sizes = waves.sizes(selection);
            assert!(
                sizes.iter().sum::<usize>() == selection && !sizes.contains(&0),
                "{waves} of {selection}: {sizes:?}"
            );
        }
    }
    if let Some(role) = round_trip::<RoleTemplate>(text) {
        let account = "000000000012".parse::<AccountId>().expect("an id");
        let caller =
            Caller::from_api(Some("000000000100"), Some("arn:aws:iam::000000000100:user/x")).expect("a caller");
        let arn = role.arn(&caller.partition, account);
        assert_eq!(account_in_arn(&arn), Some(account), "{arn} is in the account that is meant");
    }
    if let Some(pattern) = round_trip::<NamePattern>(text) {
        let _ = pattern.matches(applied);
        let literal = !text.contains(['*', '?']);
        assert!(
            !literal || pattern.matches(applied) == (applied == text),
            "a pattern without wildcards matches only itself"
        );
        assert!(!literal || pattern.matches(text));
    }
    drop(Caller::from_api(Some(text), Some(applied)));
    ids_in(text).for_each(drop);
    assert!(!is_external_id(text) || text.is_ascii());
}

/// A command line, one word a line, is parsed or refused.
pub fn command_line(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<String> = text.lines().map(str::to_owned).collect();
    arguments(&words);
    drop(Cli::try_parse_from(std::iter::once("v2token").chain(text.lines())));
}

/// Parses the text, and checks that the value stays the same when it is written and parsed again.
fn round_trip<T: FromStr + Display + PartialEq>(text: &str) -> Option<T> {
    let value = text.parse::<T>().ok()?;
    let written = value.to_string();
    let again = written.parse::<T>().ok();
    assert!(again.as_ref() == Some(&value), "{text:?} is written as {written:?}, which is another value");
    Some(value)
}
