//! Waves: their sizes, and the order of the accounts in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::count_or_percent::CountOrPercent;
use super::target::Target;
use crate::org::{Account, AccountId};
use crate::serde_text::textual;

/// The usual wait between waves. After the setting shows, the global endpoint issues tokens of the old version for some 9 to 13 s
/// (observed in commercial AWS in September 2026 by github radkawar/stackd), so a canary without a wait proves only API calls.
pub(crate) const BAKE: Duration = Duration::from_mins(1);

/// The cumulative sizes of all waves, such as `1,10%,100%`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Waves(Vec<CountOrPercent>);

impl Default for Waves {
    fn default() -> Self {
        Self(vec![CountOrPercent::Count(1), CountOrPercent::Percent(10), CountOrPercent::Percent(100)])
    }
}

impl Waves {
    /// Returns the number of accounts in each wave. The numbers add up to `selection`, and no number is zero: a wave whose
    /// accounts are all in earlier waves is left out, and accounts beyond the last size form a wave of their own. If there are
    /// canaries, their number replaces the first size. Percentages are rounded up.
    pub(crate) fn sizes(&self, canaries: usize, selection: usize) -> Vec<usize> {
        let mut ends: Vec<usize> = self.0.iter().map(|size| size.ceil_of(selection)).collect();
        if canaries > 0 {
            ends[0] = canaries;
        }
        ends.push(selection);
        let mut done = 0;
        let sizes = ends.into_iter().map(|end| {
            let size = end.min(selection).saturating_sub(done);
            done += size;
            size
        });
        sizes.filter(|size| *size > 0).collect()
    }
}

impl fmt::Display for Waves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.0.iter().map(CountOrPercent::to_string).collect();
        f.write_str(&sizes.join(","))
    }
}

textual!(Waves, ParseWavesError);

/// The text is not a list of sizes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected growing sizes such as 1,10%,100%: counts above 0, or percentages from 1% to 100%{0}")]
pub struct ParseWavesError(&'static str);

impl FromStr for Waves {
    type Err = ParseWavesError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use CountOrPercent::{Count, Percent};
        let sizes: Option<Vec<CountOrPercent>> = text.split(',').map(|size| size.trim().parse().ok()).collect();
        let sizes = sizes.filter(|sizes| sizes.iter().all(|size| !matches!(size, Count(0) | Percent(0))));
        let sizes = sizes.ok_or(ParseWavesError(""))?;
        let shrinks = sizes.windows(2).any(|pair| match (pair[0], pair[1]) {
            (Count(before), Count(size)) => before >= size,
            (Percent(before), Percent(size)) => before >= size,
            (Percent(_), Count(_)) | (Count(_), Percent(_)) => false,
        });
        if shrinks {
            return Err(ParseWavesError("; the sizes are cumulative, so each must be larger than the one before"));
        }
        Ok(Self(sizes))
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

/// Sorts accounts into the order in which they are visited, and divides them into waves. The order is the same in every run.
///
/// OUs take turns. Within an OU, accounts are sorted by a hash of the account id, so that the order has nothing to
/// do with how AWS gives out ids. Invited accounts come late, because AWS Organizations creates the usual role only in
/// accounts that it creates. The management account comes last. Neither an invited account nor the management account would be a
/// representative canary.
///
/// The `canaries` come before all other accounts. They form the first wave, and their number replaces the first size. Each wave
/// has its number, from 1. If `waves` is `None`, there is one wave, which has no number.
pub fn divide<'a>(
    accounts: &[&'a Account],
    management: AccountId,
    canaries: &BTreeSet<AccountId>,
    waves: Option<&Waves>,
) -> Vec<(Option<u32>, Vec<&'a Account>)> {
    let mut by_ou: BTreeMap<&str, Vec<&Account>> = BTreeMap::new();
    for account in accounts {
        by_ou.entry(&account.ou_path).or_default().push(account);
    }
    let mut ranked = Vec::with_capacity(accounts.len());
    for (ou, mut members) in by_ou {
        members.sort_by_key(|account| (account.invited, stable_hash(account.id.number().to_le_bytes())));
        // The byte 0xff ends the path, as in the hash of a `str` in the standard library.
        let ou = stable_hash(ou.bytes().chain([0xff]));
        let ranks = (0_usize..).zip(members);
        ranked.extend(ranks.map(|(turn, account)| ((account.id == management, account.invited, turn, ou), account)));
    }
    ranked.sort_by_key(|(rank, account)| (*rank, account.id));
    let in_order = ranked.into_iter().map(|(_, account)| account);
    let Some(waves) = waves else {
        return vec![(None, in_order.collect())];
    };
    let (canaries, others): (Vec<_>, Vec<_>) = in_order.partition(|account| canaries.contains(&account.id));
    let sizes = waves.sizes(canaries.len(), accounts.len());
    let mut rest = canaries.into_iter().chain(others);
    (1..).zip(sizes).map(|(number, size)| (Some(number), rest.by_ref().take(size).collect())).collect()
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
    use crate::org::AccountState;

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
            assert_eq!(waves.sizes(0, selection), expected, "{text} of {selection}");
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
            name: String::new(),
            email: String::new(),
            state: AccountState::Active,
            ou_path: ou.to_owned(),
            invited,
            joined_at: None,
            ou_names: std::sync::Arc::default(),
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
        let first: BTreeSet<_> = forward[..3].iter().map(|a| &a.ou_path).collect();
        assert_eq!(first.len(), 3, "the first three come from three OUs");
        assert!(forward[..87].iter().all(|a| !a.invited), "invited ones come late");
        assert_eq!(forward[90].id, management);
        let lowest_first = forward[..9].iter().filter(|a| a.id <= accounts[8].id).count();
        assert!(lowest_first < 9, "the first wave is not just the lowest ids");
    }
}
