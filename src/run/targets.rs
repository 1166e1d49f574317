//! The targets of a run: looks up what the selection names, and decides how each account is entered.

use std::collections::{BTreeMap, BTreeSet};

use super::baseline::Baseline;
use crate::cloud::aws::{Aws, Organization};
use crate::cloud::{AccessMethod, Failure};
use crate::error::Error;
use crate::journal::RunSettings;
use crate::org::role::AccessMode;
use crate::org::selection::{
    ManagementAccess, ManagementAccount, Selection, SelectionResult, SkipReason, Tags, accounts_needing_tags,
    check_names, unmatched_exclusions, without_join_time,
};
use crate::org::{Account, AccountId, UnitChoice, UnitNames};
use crate::rollout::wave::{WaveMembers, Waves, idle_entries};
use crate::rollout::{Provenance, Record, Target};
use crate::terminal::Progress;

/// Warns that the report will have no OU paths for some accounts, if reading the tree failed.
pub(crate) fn warn_of_missing_paths(refusal: Option<&Failure>, progress: &Progress) {
    if let Some(failure) = refusal {
        progress.warn(&format!(
            "Organizations returned no OU path for some accounts, and reading its tree failed: {failure}"
        ));
    }
}

/// Checks that the accounts and OUs that the selection names exist, and reads the tags on which the selection depends.
pub(crate) async fn look_up(
    aws: &Aws,
    run: &RunSettings,
    accounts: &[Account],
    units: &UnitNames,
    management_account: ManagementAccount,
    baseline: Option<&Baseline>,
    progress: &Progress,
) -> Result<Tags, Error> {
    check_units(aws, &run.selection, accounts, units).await?;
    let mut tags = Tags::new();
    if run.selection.needs_tags() || run.waves.as_ref().is_some_and(Waves::needs_tags) {
        let restriction = baseline.map(|baseline| &baseline.restriction);
        let to_read = accounts_needing_tags(accounts, management_account, &run.selection, restriction);
        let of = to_read.len();
        tags = aws.list_tags(&to_read, |read| progress.tags(read, of)).await?;
    }
    warn_of_unknown_join_times(accounts, run, progress);
    warn_of_idle_exclusions(accounts, run, &tags, progress);
    Ok(tags)
}

/// Checks that the accounts and OUs that a selection names exist.
pub(crate) async fn check_units(
    aws: &Aws,
    selection: &Selection,
    accounts: &[Account],
    units: &UnitNames,
) -> Result<(), Error> {
    // The account ids are checked first, because this check needs no request.
    check_names(accounts, selection, Vec::new())?;
    let mut missing = Vec::new();
    for unit in selection.units_without_accounts(accounts) {
        let is_found = selection.ou_names().any(|choice| choice.resolve(units).as_ref() == Ok(&unit));
        if !is_found && !aws.unit_exists(&unit).await? {
            missing.push(unit);
        }
    }
    Ok(check_names(accounts, selection, missing)?)
}

/// Warns of accounts that `--joined-since` leaves out because Organizations does not say when they joined.
pub(crate) fn warn_of_unknown_join_times(accounts: &[Account], run: &RunSettings, progress: &Progress) {
    match without_join_time(accounts, &run.selection) {
        0 => {}
        count => progress.warn(&format!(
            "--joined-since leaves out {count} accounts because Organizations does not say when they joined"
        )),
    }
}

/// Warns of exclusions that exclude no account, because such an exclusion might be mistyped, and of exceptions that have no effect.
pub(crate) fn warn_of_idle_exclusions(accounts: &[Account], run: &RunSettings, tags: &Tags, progress: &Progress) {
    for exclusion in unmatched_exclusions(accounts, &run.selection, tags) {
        progress.warn(&format!("{exclusion} excludes no account"));
    }
    for warning in run.selection.exceptions.iter().flat_map(|exceptions| exceptions.warnings(accounts)) {
        progress.warn(&warning);
    }
}

/// Returns the management account, and the reason if it is skipped.
pub(crate) fn management_account(organization: &Organization, run: &RunSettings, aws: &Aws) -> ManagementAccount {
    let id = organization.management;
    let own = run.selection.management == ManagementAccess::Own && aws.is_own_account(id);
    let skip_reason = match (run.selection.management, run.access) {
        (ManagementAccess::Skip, _) => Some(SkipReason::ManagementAccount),
        (ManagementAccess::Own | ManagementAccess::Role, AccessMode::AssumeRoot) if !own => {
            Some(SkipReason::ManagementAccountByAssumeRoot)
        }
        (ManagementAccess::Own | ManagementAccess::Role, AccessMode::Role | AccessMode::AssumeRoot) => None,
    };
    ManagementAccount { id, skip_reason }
}

/// Returns the target for an account, without its wave: how the account is entered, and which version is wanted.
pub(crate) fn target(
    account: &Account,
    organization: &Organization,
    aws: &Aws,
    run: &RunSettings,
    baseline: Option<&Baseline>,
) -> Target {
    let (id, partition) = (account.id, &aws.caller.partition);
    let management = id == organization.management;
    let own = run.selection.management == ManagementAccess::Own && management && aws.is_own_account(id);
    let access = match run.access {
        _ if own => AccessMethod::Own,
        AccessMode::Role => AccessMethod::Role(run.role_in(id).arn(partition, id).into()),
        AccessMode::AssumeRoot => AccessMethod::Root(format!("arn:{partition}:iam::{id}:root").into()),
    };
    let desired = baseline.and_then(|baseline| baseline.desired.get(&id)).copied();
    let (wanted, provenance) = desired.unwrap_or((run.global_endpoint_token_version, Provenance::None));
    Target { wave: None, account: id, access, management, invited: account.attributes.invited, wanted, provenance }
}

/// Returns a selection that has only the OUs that the waves name.
pub(crate) fn units_of_waves(run: &RunSettings) -> Selection {
    let mut selection = Selection::default();
    for unit in run.waves.iter().flat_map(Waves::units) {
        match unit {
            UnitChoice::Id(id) => drop(selection.include.ous.insert(id.clone())),
            UnitChoice::Names(_) => drop(selection.include.ou_names.insert(unit.clone())),
        }
    }
    selection
}

/// Says which entries of `--waves` add no account. Some of the usual ones add none in a small Organization, which is not said.
pub(crate) fn warn_of_idle_waves(
    chosen: &[&Account],
    management: AccountId,
    run: &RunSettings,
    members: &WaveMembers,
    progress: &Progress,
) {
    let Some(waves) = run.waves.as_ref().filter(|waves| **waves != Waves::default()) else { return };
    for entry in idle_entries(chosen, management, &run.canary, waves, members) {
        progress.warn(&format!(
            "--waves: {entry} adds no account, because earlier waves have all of its accounts, or it has none"
        ));
    }
}

/// Refuses an impact of another Organization.
pub(crate) fn check_impact(run: &RunSettings, organization: &Organization) -> Result<(), Error> {
    let Some(impact) = &run.impact else { return Ok(()) };
    match &impact.organization_id {
        Some(other) if *other != organization.id => Err(Error::Mismatch(format!(
            "--impact: {} is about Organization {other}, and the caller is in {}",
            impact.folder.display(),
            organization.id
        ))),
        Some(_) | None => Ok(()),
    }
}

/// Refuses a canary that is not among the selected accounts. A canary of the plan may be on the wanted version already.
pub(crate) fn check_canary(
    run: &RunSettings,
    selected: &SelectionResult<'_>,
    of_plan: Option<&BTreeSet<AccountId>>,
) -> Result<(), Error> {
    let is_planned = |id: &AccountId| run.plan.is_some() && of_plan.is_some_and(|canary| canary.contains(id));
    let missing = |id: &&AccountId| !is_planned(id) && !selected.targets.iter().any(|account| account.id == **id);
    match run.canary.iter().find(missing) {
        None => Ok(()),
        Some(id) => Err(Error::Mismatch(format!("--canary names {id}, which is not among the accounts of this run"))),
    }
}

/// Returns the records of the accounts that are not selected.
pub(crate) fn skipped(selected: &SelectionResult<'_>, run: &RunSettings) -> BTreeMap<AccountId, Record> {
    selected.skipped.iter().map(|(account, reason)| (account.id, skipped_record(account.id, *reason, run))).collect()
}

/// Returns the record of an account that is not selected.
pub(crate) fn skipped_record(account: AccountId, reason: SkipReason, run: &RunSettings) -> Record {
    let wanted = run.global_endpoint_token_version;
    match run.selection.exception_of(account) {
        Some(exception) if reason == SkipReason::Excepted => Record::excepted(account, wanted, exception),
        _ => Record::skipped(account, wanted, reason.code(), reason.message()),
    }
}

/// Returns the record of an account that left the Organization.
pub(crate) fn departed_record(account: AccountId, run: &RunSettings) -> Record {
    let wanted = run.global_endpoint_token_version;
    let reason = SkipReason::LeftOrganization;
    Record::skipped(account, wanted, reason.code(), reason.message())
}
