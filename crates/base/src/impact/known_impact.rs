//! What an earlier impact says about each account, for a plan or an apply: unaffected accounts go first.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::verdict::Verdict;
use crate::humanize::{count, thousands};
use crate::org::AccountId;
use crate::timestamp::optional_time;

/// The verdicts of an impact, and where they are from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownImpact {
    /// The run id of the impact.
    pub run_id: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The Organization that it is about; absent if no call and no list told it.
    pub organization_id: Option<String>,
    /// When it ended.
    #[serde(with = "optional_time")]
    pub ended_at: Option<SystemTime>,
    /// How many principals get longer tokens, or have v1 tokens that are refused.
    pub affected_principals: usize,
    /// The accounts by verdict.
    pub verdicts: BTreeMap<Verdict, BTreeSet<AccountId>>,
}

impl KnownImpact {
    /// Returns the verdict on an account; `unknown` if the impact did not know the account.
    pub fn verdict(&self, account: AccountId) -> Verdict {
        let found = self.verdicts.iter().find(|(_, accounts)| accounts.contains(&account));
        found.map_or(Verdict::Unknown, |(verdict, _)| *verdict)
    }

    /// Whether nobody will notice the change of an account, as far as the impact knows.
    pub fn is_unaffected(&self, account: AccountId) -> bool {
        matches!(self.verdict(account), Verdict::NoEffect | Verdict::NoneSeen | Verdict::AlreadyV2)
    }

    /// Returns what the impact found among these accounts, as a sentence without an end.
    pub fn summary(&self, accounts: impl Iterator<Item = AccountId>) -> String {
        let (mut affected, mut unknown, mut all) = (0_usize, 0_usize, 0_usize);
        for account in accounts {
            let verdict = self.verdict(account);
            all += 1;
            affected += usize::from(verdict.is_affected());
            unknown += usize::from(matches!(verdict, Verdict::Unknown | Verdict::Skipped));
        }
        let notice = match affected {
            0 => "no account is known to have principals that get longer tokens".to_owned(),
            _ => format!(
                "{} principals that get longer tokens ({} in the whole impact)",
                count(affected, "account has", "accounts have"),
                thousands(self.affected_principals)
            ),
        };
        format!("{notice}; {} of {} not known", thousands(unknown), thousands(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_unaffected_only_if_the_impact_says_so() {
        let id = |number: u64| format!("{number:012}").parse::<AccountId>().unwrap();
        let verdicts: BTreeMap<Verdict, BTreeSet<AccountId>> =
            (1..).zip(Verdict::ALL).map(|(number, verdict)| (verdict, [id(number)].into())).collect();
        let known = KnownImpact {
            run_id: "r".to_owned(),
            folder: "f".into(),
            organization_id: None,
            ended_at: None,
            affected_principals: 3,
            verdicts,
        };
        for (number, verdict) in (1..).zip(Verdict::ALL) {
            assert_eq!(known.verdict(id(number)), verdict);
            let expected = match verdict {
                Verdict::NoEffect | Verdict::NoneSeen | Verdict::AlreadyV2 => true,
                Verdict::RefusedToday | Verdict::LongerTokens | Verdict::Unknown | Verdict::Skipped => false,
            };
            assert_eq!(known.is_unaffected(id(number)), expected, "{verdict}");
        }
        assert_eq!(known.verdict(id(99)), Verdict::Unknown, "an account that has joined since");
        let accounts = (1..=7).chain([99]).map(id);
        assert_eq!(
            known.summary(accounts),
            "2 accounts have principals that get longer tokens (3 in the whole impact); 3 of 8 not known"
        );
        assert_eq!(
            known.summary(std::iter::empty()),
            "no account is known to have principals that get longer tokens; 0 of 0 not known"
        );
        let text = serde_json::to_string(&known).unwrap();
        assert_eq!(serde_json::from_str::<KnownImpact>(&text).unwrap(), known);
    }
}
