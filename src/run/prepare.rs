//! The preparation of a run: decides which accounts are visited, in which waves, and which accounts are skipped.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::baseline::Baseline;
use super::context::RunContext;
use super::signals::Signals;
use super::targets;
use super::unit_names;
use crate::cloud::AccessMethod;
use crate::cloud::aws::{Aws, Organization};
use crate::error::Error;
use crate::interner::Interner;
use crate::journal::{Replay, RunFolder, RunInfo};
use crate::org::selection::{SkipReason, select};
use crate::org::{Account, AccountId, UnitNames};
use crate::rollout::wave::{WaveMembers, divide, divide_as_planned, divide_by_impact};
use crate::rollout::{Mode, Outcome, Record, Target, Wave};

/// What a run is about to do.
pub(crate) struct Prepared {
    pub organization: Organization,
    /// Every account, sorted by id. If this run is based on an earlier run, accounts of that run that have left the Organization
    /// since are included.
    pub accounts: Vec<Account>,
    /// The names of OUs that were read before the visits.
    pub units: UnitNames,
    /// How many accounts the Organization has.
    pub listed: usize,
    /// The accounts to visit.
    pub waves: Vec<Wave>,
    /// Whether the waves are those of the plan that is applied; `None` if no plan with waves is applied.
    pub as_planned: Option<bool>,
    /// For each entry of `--waves`, the selected accounts in its OU or with its tag.
    pub wave_members: WaveMembers,
    /// The records of the accounts that are not visited.
    pub records: BTreeMap<AccountId, Record>,
    /// The plan that is applied, or the run that is undone.
    pub earlier: Option<RunInfo>,
    /// What is resumed. The journal of a resumed run has these lists already.
    pub resumed: Option<Resumed>,
}

/// What a resume has found in the journal.
pub(crate) struct Resumed {
    /// The verdict with which the run ended; `None` if it ended without one.
    pub verdict: Option<String>,
    /// How many accounts the run selected.
    pub selected: usize,
    /// How many accounts of the first wave failed before and are visited again.
    pub again: usize,
    /// What earlier visits found in accounts that are visited again.
    pub earlier_visits: BTreeMap<AccountId, Record>,
    /// The wave whose gate comes first, because it has not passed.
    pub gate_first: Option<u32>,
}

/// Lists the accounts of the Organization, selects the targets and divides them into waves.
pub(crate) async fn select_targets(
    context: &mut RunContext,
    aws: &Aws,
    signals: &mut Signals,
    baseline: Option<Box<Baseline>>,
) -> Result<Prepared, Error> {
    let RunContext { settings, progress, info, .. } = &mut *context;
    let earlier = baseline.as_deref();
    let (mut accounts, mut listed) = (Vec::new(), HashSet::new());
    let mut in_waves = targets::units_of_waves(&settings.run);
    let needs_units = settings.run.selection.needs_units() || in_waves.needs_units();
    let listing = aws.for_each_account(needs_units, |account, page| {
        // A restart of the listing yields accounts again.
        if listed.insert(account.id) {
            accounts.push(account);
        }
        progress.listing(accounts.len(), page);
    });
    // The Organization and its accounts are requested at the same time, because neither request needs the result of the other.
    let both = async { Ok(tokio::try_join!(aws.describe_organization(), listing)?) };
    let (organization, list) = signals.or_stop(Box::pin(both)).await?;
    aws.check_complete(&organization, |id| listed.contains(&id))?;
    drop(listed);
    accounts.sort_unstable_by_key(|account| account.id);
    targets::check_impact(&settings.run, &organization)?;
    targets::warn_of_missing_paths(list.without_paths.as_ref(), progress);
    if let Some(earlier) = earlier {
        earlier.check(&organization, aws, settings.command)?;
        if !earlier.is_finished() {
            progress.warn("the earlier run did not finish; accounts that it did not reach are left out");
        }
    }
    let (mut units, max_attempts) = (list.names, settings.run.max_attempts);
    let resolve = unit_names::resolve(aws, max_attempts, &mut settings.run.selection, &accounts, &mut units);
    signals.or_stop(Box::pin(resolve)).await?;
    let resolve = unit_names::resolve(aws, max_attempts, &mut in_waves, &accounts, &mut units);
    signals.or_stop(Box::pin(resolve)).await?;
    signals.or_stop(Box::pin(targets::check_units(aws, &in_waves, &accounts, &units))).await?;
    // The ids that the names stood for are kept in `run.json`.
    info.settings.selection.clone_from(&settings.run.selection);
    let run = &settings.run;
    let management_account = targets::management_account(&organization, run, aws);
    let look_up = targets::look_up(aws, run, &accounts, &units, management_account, earlier, progress);
    let tags = signals.or_stop(Box::pin(look_up)).await?;
    let restriction = earlier.map(|earlier| &earlier.restriction);
    let selected = select(&accounts, management_account, &run.selection, &tags, restriction)?;
    let as_planned = earlier.and_then(|earlier| earlier.keeps_waves(run));
    targets::check_canary(run, &selected, earlier.map(|earlier| &earlier.info.settings.canary))?;
    let members = run.waves.as_ref().map(|waves| waves.members(&selected.targets, &units, &tags));
    let members = members.unwrap_or_default();
    let mut records = targets::skipped(&selected, run);
    let target = |account| targets::target(account, &organization, aws, run, earlier);
    let mut arns = Interner::default();
    let (chosen, management) = (&selected.targets, organization.management);
    let division = match (run.mode, earlier, &run.waves) {
        (Mode::Apply, Some(earlier), _) if as_planned == Some(true) => {
            divide_as_planned(chosen, management, &earlier.planned)
        }
        (Mode::Apply, _, Some(waves)) => {
            targets::warn_of_idle_waves(chosen, management, run, &members, progress);
            divide_by_impact(chosen, management, &run.canary, Some((waves, &members)), run.impact.as_ref())
        }
        // A plan reads all accounts at once, and divides those that it would change.
        (Mode::Plan, ..) | (Mode::Apply, _, None) => divide(chosen, management, &run.canary, None),
    };
    let waves = division
        .into_iter()
        .map(|(number, accounts)| {
            let target = |account| target(account).in_wave(number).sharing(&mut arns);
            Wave { number, targets: accounts.into_iter().map(target).collect() }
        })
        .collect();
    let (listed, mut described) = (accounts.len(), None);
    if let Some(baseline) = baseline {
        described = Some(baseline.info.clone());
        let departed = baseline.departed(&accounts);
        records.extend(departed.iter().map(|account| (account.id, targets::departed_record(account.id, run))));
        accounts.extend(departed);
        accounts.sort_by_key(|account| account.id);
        context.info.based_on = Some(baseline.info.run_id.clone());
        context.info.based_on_resumes = Some(baseline.resumes);
        context.earlier_run = Some(baseline.into_lock());
    }
    Ok(Prepared {
        organization,
        accounts,
        units,
        listed,
        waves,
        as_planned,
        wave_members: members,
        records,
        earlier: described,
        resumed: None,
    })
}

/// Takes the targets that an interrupted run did not finish, and checks that the Organization is still the same.
pub(crate) async fn remaining_targets(
    context: &RunContext,
    aws: &Aws,
    signals: &mut Signals,
    replay: Replay,
    mut waves: Vec<Wave>,
) -> Result<Prepared, Error> {
    let organization = signals.or_stop(Box::pin(async { Ok(aws.describe_organization().await?) })).await?;
    if context.info.organization_id.as_deref() != Some(organization.id.as_str()) {
        let was = context.info.organization_id.as_deref().unwrap_or("no Organization");
        return Err(Error::Mismatch(format!(
            "the run is about Organization {was}, and the caller is in {}",
            organization.id
        )));
    }
    let has_gate = context.settings.run.gate.is_some();
    let gate_first = replay.gate_comes_first(&waves).filter(|_| has_gate);
    let records = replay.records.into_sorted().into_iter();
    let mut records: BTreeMap<AccountId, Record> = records.map(|record| (record.account_id, record)).collect();
    let failed = |target: &&Target| records.get(&target.account).is_some_and(has_failed);
    let again = waves.first().map_or(0, |wave| wave.targets.iter().filter(failed).count());
    let mut earlier_visits = BTreeMap::new();
    for target in waves.iter_mut().flat_map(|wave| &mut wave.targets) {
        // Another Set may have been sent after the record.
        let is_true = replay.intents.get(&target.account).is_none_or(|intent| intent.is_recorded);
        let visited = records.remove(&target.account).filter(|record| is_true && record.started_at.is_some());
        earlier_visits.extend(visited.map(|record| (target.account, record)));
        // How the account is entered is decided again, because `--role` might have changed, and the credentials might belong to
        // another account.
        if target.access != AccessMethod::Own || !aws.is_own_account(target.account) {
            let index = replay.accounts.binary_search_by_key(&target.account, |account| account.id);
            let account =
                &replay.accounts[index.expect("the replay sorts the accounts, and has every target among them")];
            target.access = targets::target(account, &organization, aws, &context.settings.run, None).access;
        }
    }
    let listed = replay.accounts.len() - records.values().filter(|record| has_left(record)).count();
    let verdict = replay.ended.map(|(_, verdict)| verdict);
    let resumed = Some(Resumed { verdict, selected: replay.targets.len(), again, earlier_visits, gate_first });
    let run = &context.settings.run;
    // The folder may be gone, because the journal has everything that a resume needs.
    let earlier = run.plan.as_ref().or(run.undoes.as_ref()).and_then(|folder| RunFolder::read(folder).ok());
    let earlier = earlier.map(|(info, _)| info);
    let (accounts, units) = (replay.accounts, replay.units);
    let mut wave_members = WaveMembers::new();
    if let (Mode::Plan, Some(waves)) = (run.mode, &run.waves) {
        // The plan divides all accounts that it would change, also those that it has read before.
        let selected: BTreeSet<AccountId> = replay.targets.iter().map(|target| target.account).collect();
        let chosen: Vec<&Account> = accounts.iter().filter(|account| selected.contains(&account.id)).collect();
        let ids: Vec<AccountId> = selected.iter().copied().filter(|_| waves.needs_tags()).collect();
        let tags = async { Ok(aws.list_tags(&ids, |read| context.progress.tags(read, ids.len())).await?) };
        wave_members = waves.members(&chosen, &units, &signals.or_stop(Box::pin(tags)).await?);
    }
    let as_planned = None;
    Ok(Prepared { organization, accounts, units, listed, waves, as_planned, wave_members, records, earlier, resumed })
}

/// Whether a visit ended with an error that only a repeated visit can mend.
fn has_failed(record: &Record) -> bool {
    record.outcome.is_error() && !record.needs_resume()
}

/// Whether an account is no longer in the Organization.
pub(crate) fn has_left(record: &Record) -> bool {
    let code = record.error.as_ref().map(|error| error.error_code.as_str());
    record.outcome == Outcome::Skipped && code == Some(SkipReason::LeftOrganization.code())
}
