//! Waves: which accounts are in which wave, and in which order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::count_or_percent::CountOrPercent;
use super::target::Target;
use crate::impact::known_impact::KnownImpact;
use crate::org::selection::Tags;
use crate::org::{Account, AccountId, Tag, UnitChoice, UnitId, UnitNames};
use crate::serde_text::textual;

/// The usual wait between waves. After the setting shows, the global endpoint issues tokens of the old version for some 9 to 13 s
/// (observed in commercial AWS in September 2026 by github radkawar/stackd), so a canary without a wait proves only API calls.
pub(crate) const BAKE: Duration = Duration::from_mins(1);

/// Up to which accounts a wave goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WaveEntry {
    /// Until this many accounts are covered, those of earlier waves included.
    Size(CountOrPercent),
    /// All accounts in this OU that are not covered yet.
    Unit(UnitChoice),
    /// All accounts with this tag that are not covered yet.
    Tag(Tag),
}

/// The waves of a rollout, such as `1,ou-ab12-sandbox1,tag:stage=test,10%,100%`. An account is in the first wave that covers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Waves(Vec<WaveEntry>);

/// For each entry of [`Waves`], the accounts in its OU or with its tag. A size has none.
pub(crate) type WaveMembers = Vec<BTreeSet<AccountId>>;

impl Default for Waves {
    fn default() -> Self {
        let sizes = [CountOrPercent::Count(1), CountOrPercent::Percent(10), CountOrPercent::Percent(100)];
        Self(sizes.into_iter().map(WaveEntry::Size).collect())
    }
}

impl Waves {
    /// Returns the OUs and roots that are named.
    pub(crate) fn units(&self) -> impl Iterator<Item = &UnitChoice> {
        self.0.iter().filter_map(|entry| if let WaveEntry::Unit(unit) = entry { Some(unit) } else { None })
    }

    /// Whether the tags of the accounts have to be read.
    pub(crate) fn needs_tags(&self) -> bool {
        self.0.iter().any(|entry| matches!(entry, WaveEntry::Tag(_)))
    }

    /// Returns the accounts that are in the OUs and have the tags. An OU whose path of names is not known has none.
    pub(crate) fn members(&self, accounts: &[&Account], names: &UnitNames, tags: &Tags) -> WaveMembers {
        let ids = |is_member: &dyn Fn(&Account) -> bool| {
            accounts.iter().filter(|account| is_member(account)).map(|account| account.id).collect()
        };
        let of = |entry: &WaveEntry| match entry {
            WaveEntry::Size(_) => BTreeSet::new(),
            WaveEntry::Unit(choice) => match choice.resolve(names) {
                Ok(unit) => ids(&|account| unit.contains(&account.attributes.ou_path)),
                Err(_) => BTreeSet::new(),
            },
            WaveEntry::Tag(tag) => ids(&|account| tags.get(&account.id).is_some_and(|of_it| of_it.contains(tag))),
        };
        self.0.iter().map(of).collect()
    }

    /// Returns the number of accounts in each wave, if the entries are sizes. The numbers add up to `selection`.
    pub(crate) fn sizes(&self, selection: usize) -> Vec<usize> {
        let accounts: Vec<usize> = (0..selection).collect();
        let covered = self.cover(accounts, Vec::new(), |_, _| false);
        covered.into_iter().map(|(_, accounts)| accounts.len()).filter(|size| *size > 0).collect()
    }

    /// Gives each of the `accounts`, which are in the order of the visits, to the first entry that covers it. The `canaries` come first,
    /// and replace the first entry if it is a size. The last group has the accounts that no entry covers. Each group has its entry, but for
    /// that of the canaries and the last one. A group can be empty. Percentages are rounded up.
    fn cover<T>(
        &self,
        accounts: Vec<T>,
        canaries: Vec<T>,
        is_member: impl Fn(usize, &T) -> bool,
    ) -> Vec<(Option<&WaveEntry>, Vec<T>)> {
        let total = accounts.len() + canaries.len();
        let mut covered = canaries.len();
        let replaced = usize::from(covered > 0 && matches!(self.0.first(), Some(WaveEntry::Size(_))));
        let mut groups = if covered > 0 { vec![(None, canaries)] } else { Vec::new() };
        let mut rest = accounts;
        for (index, entry) in self.0.iter().enumerate().skip(replaced) {
            let group: Vec<T> = match entry {
                WaveEntry::Size(size) => {
                    let count = size.ceil_of(total).saturating_sub(covered).min(rest.len());
                    rest.drain(..count).collect()
                }
                WaveEntry::Unit(_) | WaveEntry::Tag(_) => {
                    let (group, others) = rest.into_iter().partition(|account| is_member(index, account));
                    rest = others;
                    group
                }
            };
            covered += group.len();
            groups.push((Some(entry), group));
        }
        groups.push((None, rest));
        groups
    }
}

impl fmt::Display for WaveEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(size) => size.fmt(f),
            Self::Unit(unit) => unit.fmt(f),
            Self::Tag(tag) => write!(f, "tag:{tag}"),
        }
    }
}

impl fmt::Display for Waves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<String> = self.0.iter().map(WaveEntry::to_string).collect();
        f.write_str(&entries.join(","))
    }
}

textual!(Waves, ParseWavesError);

/// The text is not a list of waves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected waves such as 1,10%,100%: counts above 0, percentages from 1% to 100%, ids of OUs, paths of names such as Root/Sandbox, or \
     tag:KEY=VALUE{0}"
)]
pub struct ParseWavesError(String);

impl FromStr for WaveEntry {
    type Err = ParseWavesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: &dyn fmt::Display| ParseWavesError(format!("; {text:?}: {why}"));
        if let Some(tag) = text.strip_prefix("tag:") {
            return tag.parse().map(Self::Tag).map_err(|error| wrong(&error));
        }
        match (text.parse(), text.parse::<UnitId>()) {
            (Ok(CountOrPercent::Count(0) | CountOrPercent::Percent(0)), _) => Err(wrong(&"a wave needs accounts")),
            (Ok(size), _) => Ok(Self::Size(size)),
            (Err(_), Ok(unit)) => Ok(Self::Unit(UnitChoice::Id(unit))),
            (Err(_), Err(_)) if text.contains('/') => text.parse().map(Self::Unit).map_err(|error| wrong(&error)),
            (Err(_), Err(_)) => Err(wrong(&"it is none of these")),
        }
    }
}

impl FromStr for Waves {
    type Err = ParseWavesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use CountOrPercent::{Count, Percent};
        let entries: Vec<WaveEntry> = text.split(',').map(|entry| entry.trim().parse()).collect::<Result<_, _>>()?;
        let sizes: Vec<CountOrPercent> = (entries.iter())
            .filter_map(|entry| if let WaveEntry::Size(size) = entry { Some(*size) } else { None })
            .collect();
        let shrinks = sizes.windows(2).any(|pair| match (pair[0], pair[1]) {
            (Count(before), Count(size)) => before >= size,
            (Percent(before), Percent(size)) => before >= size,
            (Percent(_), Count(_)) | (Count(_), Percent(_)) => false,
        });
        if shrinks {
            let why = "; the sizes are cumulative, so each must be larger than the one before";
            return Err(ParseWavesError(why.to_owned()));
        }
        Ok(Self(entries))
    }
}

/// Targets that are visited together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wave {
    /// The number of the wave, from 1; `None` in a run without waves.
    pub number: Option<u32>,
    /// The accounts in the wave.
    pub targets: Vec<Target>,
}

/// Accounts in waves, each with its number, from 1. Without waves there is one list without a number.
pub(crate) type Division<'a> = Vec<(Option<u32>, Vec<&'a Account>)>;

/// Sorts accounts into the order in which they are visited, and divides them into waves. The order is the same in every run.
///
/// The `canaries` come before all other accounts. They are the first wave, in place of a first size. `members` are those of `waves`. If
/// `waves` is `None`, there is one wave, which has no number.
pub fn divide<'a>(
    accounts: &[&'a Account],
    management: AccountId,
    canaries: &BTreeSet<AccountId>,
    waves: Option<(&Waves, &WaveMembers)>,
) -> Division<'a> {
    let in_order = in_order(accounts, management);
    let Some((waves, members)) = waves else {
        return vec![(None, in_order)];
    };
    let groups = covered(in_order, canaries, waves, members).into_iter().map(|(_, accounts)| accounts);
    (1..).map(Some).zip(groups.filter(|accounts| !accounts.is_empty())).collect()
}

/// Divides accounts as [`divide`] does, in two groups: first those in which nobody notices the change, then the others. Each group goes
/// through all waves, so the others have a canary of their own. Named canaries are in the first group, and the management account is in
/// the second unless it is one of them.
pub(crate) fn divide_by_impact<'a>(
    accounts: &[&'a Account],
    management: AccountId,
    canaries: &BTreeSet<AccountId>,
    waves: Option<(&Waves, &WaveMembers)>,
    impact: Option<&KnownImpact>,
) -> Division<'a> {
    let (Some(impact), Some(_)) = (impact, waves) else { return divide(accounts, management, canaries, waves) };
    let goes_first = |account: &&Account| {
        let is_canary = canaries.contains(&account.id);
        is_canary || (account.id != management && impact.is_unaffected(account.id))
    };
    let (first, others): (Vec<&Account>, Vec<&Account>) = accounts.iter().copied().partition(goes_first);
    let mut division = divide(&first, management, canaries, waves);
    let count = u32::try_from(division.len()).expect("there are fewer waves than accounts");
    let others = divide(&others, management, canaries, waves).into_iter();
    division.extend(others.map(|(number, accounts)| (number.map(|number| number + count), accounts)));
    division
}

/// Returns the entries that add no account, because earlier waves cover all of theirs, or because they have none.
pub(crate) fn idle_entries<'a>(
    accounts: &[&Account],
    management: AccountId,
    canaries: &BTreeSet<AccountId>,
    waves: &'a Waves,
    members: &WaveMembers,
) -> Vec<&'a WaveEntry> {
    let groups = covered(in_order(accounts, management), canaries, waves, members).into_iter();
    groups.filter(|(_, accounts)| accounts.is_empty()).filter_map(|(entry, _)| entry).collect()
}

/// Divides accounts into the waves that a plan has shown. Waves whose accounts are all gone are left out.
pub(crate) fn divide_as_planned<'a>(
    accounts: &[&'a Account],
    management: AccountId,
    planned: &BTreeMap<AccountId, u32>,
) -> Division<'a> {
    let mut waves: BTreeMap<u32, Vec<&Account>> = BTreeMap::new();
    for account in in_order(accounts, management) {
        // An account that is in no wave comes last.
        waves.entry(planned.get(&account.id).copied().unwrap_or(u32::MAX)).or_default().push(account);
    }
    (1..).map(Some).zip(waves.into_values()).collect()
}

fn covered<'a, 'w>(
    in_order: Vec<&'a Account>,
    canaries: &BTreeSet<AccountId>,
    waves: &'w Waves,
    members: &WaveMembers,
) -> Vec<(Option<&'w WaveEntry>, Vec<&'a Account>)> {
    let (canaries, others) = in_order.into_iter().partition(|account| canaries.contains(&account.id));
    waves.cover(others, canaries, |index, account| members.get(index).is_some_and(|ids| ids.contains(&account.id)))
}

/// Sorts accounts into the order in which they are visited.
///
/// OUs take turns. Within an OU, accounts are sorted by a hash of the account id, so that the order has nothing to
/// do with how AWS gives out ids. Invited accounts come late, because AWS Organizations creates the usual role only in
/// accounts that it creates. The management account comes last. Neither an invited account nor the management account would be a
/// representative canary.
fn in_order<'a>(accounts: &[&'a Account], management: AccountId) -> Vec<&'a Account> {
    let mut by_ou: BTreeMap<&str, Vec<&Account>> = BTreeMap::new();
    for account in accounts {
        by_ou.entry(&account.attributes.ou_path).or_default().push(account);
    }
    let mut ranked = Vec::with_capacity(accounts.len());
    for (ou, mut members) in by_ou {
        members.sort_by_key(|account| (account.attributes.invited, stable_hash(account.id.number().to_le_bytes())));
        // The byte 0xff ends the path, as in the hash of a `str` in the standard library.
        let ou = stable_hash(ou.bytes().chain([0xff]));
        let ranks = (0_usize..).zip(members);
        ranked.extend(
            ranks.map(|(turn, account)| ((account.id == management, account.attributes.invited, turn, ou), account)),
        );
    }
    ranked.sort_by_key(|(rank, account)| (*rank, account.id));
    ranked.into_iter().map(|(_, account)| account).collect()
}

/// FNV-1a. Unlike the hasher of the standard library, it does not change from release to release.
fn stable_hash(bytes: impl IntoIterator<Item = u8>) -> u64 {
    let hash = bytes
        .into_iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    // The upper bits of FNV differ little for short inputs that differ in the last digit only, so the bits are mixed.
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::{AccountAttributes, AccountState};

    #[test]
    fn sizes_add_up_and_none_is_zero() {
        let table: [(&str, usize, &[usize]); 11] = [
            ("1,10%,100%", 500, &[1, 49, 450]),
            ("1,10%,100%", 5, &[1, 4]),
            ("1,10%,100%", 1, &[1]),
            ("1,10%,100%", 0, &[]),
            ("1,10%,100%", 11, &[1, 1, 9]),
            ("100%", 7, &[7]),
            ("10", 7, &[7]),
            ("2,5", 7, &[2, 3, 2]),
            ("1%", 3, &[1, 2]),
            ("50%,3", 10, &[5, 5]),
            ("33%,66%,100%", 3, &[1, 1, 1]),
        ];
        for (text, selection, expected) in table {
            let waves: Waves = text.parse().unwrap();
            assert_eq!(waves.sizes(selection), expected, "{text} of {selection}");
            assert_eq!(waves.to_string(), text);
        }
        for wrong in ["", "0", "0%", "101%", "1,,2", "10%,1%", "5,5", "a", "-1", "1.5"] {
            assert!(wrong.parse::<Waves>().is_err(), "{wrong:?}");
        }
        assert_eq!(Waves::default().to_string(), "1,10%,100%");
    }

    fn account(id: u64, ou: &str, invited: bool) -> Account {
        Account {
            id: format!("{id:012}").parse().unwrap(),
            name: Box::default(),
            email: Box::default(),
            attributes: AccountAttributes {
                state: AccountState::Active,
                ou_path: ou.into(),
                invited,
                ..Default::default()
            }
            .into(),
            joined_at: None,
        }
    }

    #[test]
    fn ous_take_turns_in_an_order_that_does_not_depend_on_the_listing() {
        let accounts: Vec<Account> = (1..=90)
            .map(|id| account(id, ["o/r/a/", "o/r/b/", "o/r/c/"][(id % 3) as usize], id % 30 == 0))
            .chain([account(100, "o/r/", false)])
            .collect();
        let management = accounts[90].id;
        let in_order = |accounts: Vec<_>| divide(&accounts, management, &BTreeSet::new(), None).remove(0).1;
        let forward = in_order(accounts.iter().collect());
        assert_eq!(forward, in_order(accounts.iter().rev().collect()));
        assert_eq!(forward.len(), 91);
        let first: BTreeSet<_> = forward[..3].iter().map(|a| &a.attributes.ou_path).collect();
        assert_eq!(first.len(), 3, "the first three come from three OUs");
        assert!(forward[..87].iter().all(|a| !a.attributes.invited), "invited ones come late");
        assert_eq!(forward[90].id, management);
        let lowest_first = forward[..9].iter().filter(|a| a.id <= accounts[8].id).count();
        assert!(lowest_first < 9, "the first wave is not just the lowest ids");
    }

    /// Accounts 1 to 9 are in the OU `sandbox`, every third account has the tag, and the management account is the last one.
    #[test]
    fn an_account_is_in_the_first_wave_that_covers_it() {
        const SANDBOX: &str = "o-exampleorg1/r-ab12/ou-ab12-sandbox1/";
        let tag: Tag = "stage=test".parse().unwrap();
        for total in [1_u64, 2, 7, 8, 100, 5_000] {
            let accounts: Vec<Account> = (1..=total)
                .map(|id| account(id, if id < 10 { SANDBOX } else { "o-exampleorg1/r-ab12/" }, false))
                .collect();
            let all: Vec<&Account> = accounts.iter().collect();
            let tags: Tags = (1..=total)
                .filter(|id| id % 3 == 0)
                .map(|id| (format!("{id:012}").parse().unwrap(), [tag.clone()].into()))
                .collect();
            let mut names = UnitNames::default();
            names.insert("r-ab12".parse().unwrap(), None, "Root".to_owned());
            names.insert("ou-ab12-sandbox1".parse().unwrap(), Some("r-ab12".parse().unwrap()), "Sandbox".to_owned());
            let management = accounts.last().unwrap().id;
            for (text, with_canary) in [
                ("1,ou-ab12-sandbox1,tag:stage=test,10%,100%", false),
                ("Root/Sandbox,tag:stage=test,50%", false),
                ("tag:stage=test,3,Root/Sandbox", true),
                ("1,10%,100%", true),
            ] {
                let waves: Waves = text.parse().unwrap();
                assert_eq!(waves.to_string(), text);
                let canaries: BTreeSet<AccountId> = with_canary.then_some(accounts[0].id).into_iter().collect();
                let members = waves.members(&all, &names, &tags);
                let division = divide(&all, management, &canaries, Some((&waves, &members)));
                let numbers: Vec<Option<u32>> = division.iter().map(|(number, _)| *number).collect();
                assert_eq!(numbers, (1..).map(Some).take(division.len()).collect::<Vec<_>>());
                assert!(division.iter().all(|(_, accounts)| !accounts.is_empty()), "{text} of {total}");
                let mut ids: Vec<AccountId> = division.iter().flat_map(|(_, all)| all).map(|each| each.id).collect();
                ids.sort();
                assert_eq!(ids, accounts.iter().map(|each| each.id).collect::<Vec<_>>(), "each is in one wave");
                if with_canary {
                    assert_eq!(division[0].1.iter().map(|each| each.id).collect::<BTreeSet<_>>(), canaries);
                }
                // An apply of a plan keeps its waves, even if accounts have left since.
                let planned: BTreeMap<AccountId, u32> = division
                    .iter()
                    .flat_map(|(wave, all)| all.iter().map(|each| (each.id, wave.expect("a number"))))
                    .collect();
                assert_eq!(divide_as_planned(&all, management, &planned), division);
            }
        }
        let accounts: Vec<Account> =
            (1..=100).map(|id| account(id, if id < 10 { SANDBOX } else { "" }, false)).collect();
        let all: Vec<&Account> = accounts.iter().collect();
        let waves: Waves = "ou-ab12-sandbox1,5,tag:stage=test,50%".parse().unwrap();
        let members = waves.members(&all, &UnitNames::default(), &Tags::new());
        let (management, none) = (accounts[99].id, BTreeSet::new());
        let division = divide(&all, management, &none, Some((&waves, &members)));
        assert_eq!(division.iter().map(|(_, accounts)| accounts.len()).collect::<Vec<_>>(), [9, 41, 50]);
        let idle = idle_entries(&all, management, &none, &waves, &members);
        assert_eq!(idle.iter().map(ToString::to_string).collect::<Vec<_>>(), ["5", "tag:stage=test"]);
    }

    #[test]
    fn a_wrong_entry_is_named() {
        for (text, words) in [
            ("1,Sandbox", "\"Sandbox\": it is none of these"),
            ("1,tag:stage", "\"tag:stage\": expected KEY=VALUE"),
            ("0,100%", "\"0\": a wave needs accounts"),
            ("10%,ou-ab12-sandbox1,5%", "the sizes are cumulative"),
        ] {
            let error = text.parse::<Waves>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
