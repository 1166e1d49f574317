//! Makes the report from the accounts and from what the events say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::collect::Collected;
use crate::humanize::count;
use crate::impact::conclusion::{Conclusion, Subject, conclude};
use crate::impact::coverage::Coverage;
use crate::impact::evidence::PrincipalRow;
use crate::impact::size_limits::crossed;
use crate::impact::verdict::Verdict;
use crate::journal::{Ending, RunId};
use crate::org::accounts_file::listed::ListedAccount;
use crate::org::selection::SkipReason;
use crate::org::{AccountId, ObservedVersion};
use crate::report::impact::{ImpactAccount, ImpactPrincipal, ImpactReport, ImpactRun, sentence};
use crate::rollout::StopReason;
use crate::timestamp::from_seconds;
use crate::verdict::{Verdict as RunVerdict, because};

/// The accounts of the report.
pub(super) struct Accounts {
    pub listed: BTreeMap<AccountId, ListedAccount>,
    pub subjects: BTreeMap<AccountId, Subject>,
    pub skipped: BTreeMap<AccountId, SkipReason>,
    /// The files that they come from.
    pub files: Vec<String>,
    /// How the visits ended; `None` without calls.
    pub visits: Option<VisitsEnd>,
}

/// How the visits ended.
#[derive(Clone, Debug, Default)]
pub(super) struct VisitsEnd {
    /// What to do about the accounts that could not be read.
    pub hints: BTreeMap<AccountId, String>,
    /// How many accounts could not be read.
    pub failed: usize,
    /// Why the visits stopped before the last account; `None` if they did not stop.
    pub stopped: Option<StopReason>,
}

impl Accounts {
    /// Returns the id of the Organization, with which every path of an OU begins.
    pub(super) fn organization(&self) -> Option<String> {
        let paths = self.listed.values().map(|listed| listed.account.attributes.ou_path.as_ref());
        paths.filter_map(|path| path.split('/').next()).find(|id| id.starts_with("o-")).map(str::to_owned)
    }

    /// Returns the partition if it has no global endpoint.
    pub(super) fn partition_without_global_endpoint(&self) -> Option<String> {
        let partitions: BTreeSet<&str> =
            self.listed.values().filter_map(|listed| listed.partition.as_deref()).collect();
        let only = partitions.first().filter(|_| partitions.len() == 1);
        only.filter(|partition| **partition != "aws").map(|partition| (*partition).to_owned())
    }
}

/// Makes the report.
pub(super) fn document(accounts: &Accounts, collected: Collected, mut run: ImpactRun, detailed: bool) -> ImpactReport {
    let Collected { evidence, mut sources } = collected;
    let rows = evidence.principals();
    let mut conclusions = conclude(&accounts.subjects, &evidence, &rows);
    if run.partition.is_some() {
        let hint = "the partition has no global STS endpoint";
        for conclusion in conclusions.values_mut().filter(|conclusion| conclusion.verdict != Verdict::Skipped) {
            (conclusion.verdict, conclusion.hint) = (Verdict::NoEffect, hint.to_owned());
        }
    }
    let mut summary: BTreeMap<Verdict, usize> = Verdict::ALL.map(|verdict| (verdict, 0)).into();
    for conclusion in conclusions.values() {
        *summary.entry(conclusion.verdict).or_default() += 1;
    }
    let affected = |id: &AccountId| conclusions.get(id).is_some_and(|conclusion| conclusion.verdict.is_affected());
    let affected_principals: BTreeSet<(AccountId, &str)> = rows
        .iter()
        .filter(|row| row.account == row.attributed_to && affected(&row.account))
        .map(|row| (row.account, row.principal.as_str()))
        .collect();
    let mut sentence = sentence(&summary, affected_principals.len(), &sources, run.partition.as_deref());
    let is_affected = conclusions.values().any(|conclusion| conclusion.verdict.is_affected());
    let failed = accounts.visits.as_ref().map_or(0, |visits| visits.failed);
    let mut exit_code = exit_code(detailed && is_affected, sources.damaged_files > 0 || failed > 0);
    if failed > 0 {
        let accounts = count(failed, "account", "accounts");
        sentence.push_str(&format!("; {accounts} could not be read completely"));
    }
    if let Some(reason) = accounts.visits.as_ref().and_then(|visits| visits.stopped.as_ref()) {
        sentence = format!("stopped {}: {sentence}", because(reason));
        exit_code = RunVerdict::Stopped(reason.clone()).exit_code();
    }
    for conclusion in conclusions.values() {
        sources.regional_calls += conclusion.evidence.regional_calls;
        sources.service_calls += conclusion.evidence.service_calls;
        sources.failed_calls += conclusion.evidence.failed_calls;
    }
    run.sources = sources;
    run.ended_at = Some(SystemTime::now());
    run.verdict = Some(Ending { exit_code, sentence });
    let listed_rows =
        conclusions.iter().map(|(id, conclusion)| account(*id, accounts, conclusion, &run.run_id)).collect();
    let is_v2 = |id: &AccountId| {
        accounts.subjects.get(id).is_some_and(|subject| subject.version == Some(ObservedVersion::V2Token))
    };
    let principals = rows
        .iter()
        .filter(|row| accounts.listed.contains_key(&row.account))
        .map(|row| principal(row, is_v2(&row.attributed_to)))
        .collect();
    ImpactReport { summary, accounts: listed_rows, principals, run }
}

/// Returns the exit code. `is_affected` is false without `--detailed-exitcode`.
const fn exit_code(is_affected: bool, is_damaged: bool) -> u8 {
    match (is_affected, is_damaged) {
        (false, false) => 0,
        (false, true) => 3,
        (true, false) => 4,
        (true, true) => 6,
    }
}

fn account(id: AccountId, accounts: &Accounts, conclusion: &Conclusion, run_id: &RunId) -> ImpactAccount {
    let listed = &accounts.listed[&id];
    let subject = &accounts.subjects[&id];
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let skipped = accounts.skipped.get(&id).map(|reason| (reason.code().to_owned(), reason.message().to_owned()));
    // The error of the plan is why the version is not known.
    let is_current = accounts.visits.is_some() || listed.version.is_none();
    let error = skipped.or_else(|| listed.error.clone().filter(|_| is_current));
    let (error_code, error_message) = error.unzip();
    // What to do about an error comes first.
    let of_visit = accounts.visits.as_ref().and_then(|visits| visits.hints.get(&id)).map(String::as_str);
    let hints = [of_visit.unwrap_or_default(), &conclusion.hint];
    let hint = hints.into_iter().filter(|hint| !hint.is_empty()).collect::<Vec<_>>().join("; ");
    let evidence = &conclusion.evidence;
    let source = evidence.source.filter(|_| evidence.coverage != Coverage::None || evidence.global_calls > 0);
    ImpactAccount {
        account_id: id,
        account_name: text(&listed.account.name),
        account_email: text(&listed.account.email),
        ou_path: text(&listed.account.attributes.ou_path),
        account_state: text(listed.account.attributes.state.as_str()),
        verdict: conclusion.verdict,
        current_version: subject.version.map(|version| version.as_str().to_owned()),
        opt_in_regions: subject.opt_in.to_string(),
        global_calls: evidence.global_calls,
        principals: conclusion.principals as u64,
        largest_token: conclusion.largest_token,
        expected_token: conclusion.expected_token,
        coverage: evidence.coverage.to_string(),
        source: source.map(|source| source.as_str().to_owned()),
        error_code,
        error_message: error_message.filter(|message| !message.is_empty()),
        hint: text(&hint),
        run_id: run_id.clone(),
        expected_token_is_estimate: conclusion.is_estimated,
        regional_calls: evidence.regional_calls,
        service_calls: evidence.service_calls,
        failed_calls: evidence.failed_calls,
    }
}

fn principal(row: &PrincipalRow, is_v2: bool) -> ImpactPrincipal {
    let (expected, is_estimated) = if is_v2 { (row.largest, false) } else { (row.expected, row.is_estimated) };
    let limits = crossed(row.largest, expected).iter().map(u32::to_string).collect::<Vec<_>>().join(" ");
    ImpactPrincipal {
        account_id: row.account,
        principal: row.principal.clone(),
        user_agent: row.agent.to_string(),
        operation: row.operation.as_str().to_owned(),
        calls: row.calls,
        first_seen: from_seconds(row.first_seen),
        last_seen: from_seconds(row.last_seen),
        largest_token: row.largest,
        expected_token: expected,
        limits_crossed: (!limits.is_empty()).then_some(limits),
        attributed_to: row.attributed_to,
        expected_token_is_estimate: is_estimated && expected.is_some(),
        global_by_default: row.agent.global_by_default,
        addresses: row.addresses.iter().copied().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes() {
        let table = [((false, false), 0), ((false, true), 3), ((true, false), 4), ((true, true), 6)];
        assert!(table.iter().all(|((affected, damaged), code)| exit_code(*affected, *damaged) == *code));
    }
}
