//! This module owns the way from the Organization's accounts to the targets of a run: what is listed, what is chosen of it, and
//! how each account is entered.

use std::collections::BTreeMap;

use super::basis::Basis;
use crate::cloud::aws::{Aws, Organization};
use crate::cloud::{Failure, WayIn};
use crate::error::Error;
use crate::org::role::AccessMode;
use crate::org::select::{Management, Seat, Selected, Tags, check_names, idle_exclusions, undecided};
use crate::org::{Account, AccountId};
use crate::rollout::wave::spread;
use crate::rollout::{Past, Record, Target};
use crate::settings::{RunSettings, Settings};
use crate::terminal::Progress;

/// The Organization and its accounts.
pub(super) async fn list(
    aws: &Aws,
    settings: &Settings,
    progress: &Progress,
) -> Result<(Organization, Vec<Account>), Error> {
    let selection = &settings.run.selection;
    let needs_paths = !selection.include.ous.is_empty() || !selection.exclude.ous.is_empty();
    // Neither needs the other.
    let accounts = aws.accounts(needs_paths, |listed, pages| progress.listing(listed, pages));
    let (organization, listing) = tokio::try_join!(aws.organization(), accounts)?;
    if let Some(failure) = &listing.pathless {
        note_pathless(failure, progress);
    }
    Ok((organization, listing.accounts))
}

/// Says why the report will have no paths.
pub(super) fn note_pathless(failure: &Failure, progress: &Progress) {
    progress.warn(&format!(
        "Organizations gave no path for some accounts, and the walk through its tree was refused: {failure}"
    ));
}

/// Checks that everything that is named exists, and reads the tags that decide, if any do.
pub(super) async fn look_up(
    aws: &Aws,
    run: &RunSettings,
    accounts: &[Account],
    seat: Seat,
    basis: Option<&Basis>,
    progress: &Progress,
) -> Result<Tags, Error> {
    // The ids are checked first, because that takes no call.
    check_names(accounts, &run.selection, Vec::new())?;
    let mut missing = Vec::new();
    for unit in run.selection.unseen_units(accounts) {
        if !aws.unit_exists(&unit).await? {
            missing.push(unit);
        }
    }
    check_names(accounts, &run.selection, missing)?;
    let mut tags = Tags::new();
    if run.selection.needs_tags() {
        let undecided = undecided(accounts, seat, &run.selection, basis.map(|basis| &basis.only));
        let of = undecided.len();
        tags = aws.tags(&undecided, |read| progress.tags(read, of)).await?;
    }
    note_idle(accounts, run, &tags, progress);
    Ok(tags)
}

/// Says which exclusions exclude nothing: they may be mistyped.
pub(super) fn note_idle(accounts: &[Account], run: &RunSettings, tags: &Tags, progress: &Progress) {
    for exclusion in idle_exclusions(accounts, &run.selection, tags) {
        progress.warn(&format!("{exclusion} excludes no account"));
    }
}

/// The management account, and whether it can be visited at all.
pub(super) fn seat(organization: &Organization, run: &RunSettings, aws: &Aws) -> Seat {
    let id = organization.management;
    let own = run.selection.management == Management::Own && aws.is_in(id);
    let left_out = match (run.selection.management, run.access) {
        (Management::Skip, _) => Some("left out by --management-account skip"),
        (Management::Own | Management::Role, AccessMode::AssumeRoot) if !own => Some(
            "AssumeRoot can't enter the management account: it is read with credentials of its own, and --management-account own",
        ),
        (Management::Own | Management::Role, AccessMode::Role | AccessMode::AssumeRoot) => None,
    };
    Seat { id, left_out }
}

/// How an account is entered.
pub(super) fn way_in(account: AccountId, management: AccountId, run: &RunSettings, aws: &Aws) -> WayIn {
    let own = run.selection.management == Management::Own && account == management && aws.is_in(account);
    match run.access {
        _ if own => WayIn::Own,
        AccessMode::Role => WayIn::Role(run.role_in(account).arn(&aws.caller.partition, account).into()),
        AccessMode::AssumeRoot => WayIn::Root(format!("arn:{}:iam::{account}:root", aws.caller.partition).into()),
    }
}

/// The accounts to visit, in the order of the rollout, each with its way in and what is wanted in it.
pub(super) fn targets(
    selected: &Selected<'_>,
    organization: &Organization,
    aws: &Aws,
    run: &RunSettings,
    basis: Option<&Basis>,
) -> Vec<Target> {
    let in_order = spread(&selected.targets, organization.management).into_iter();
    in_order.map(|account| target(account, organization, aws, run, basis)).collect()
}

/// An account to visit, with its way in and what is wanted in it.
pub(super) fn target(
    account: &Account,
    organization: &Organization,
    aws: &Aws,
    run: &RunSettings,
    basis: Option<&Basis>,
) -> Target {
    let wish = basis.and_then(|basis| basis.wishes.get(&account.id)).copied();
    let (wanted, past) = wish.unwrap_or((run.global_endpoint_token_version, Past::None));
    Target {
        account: account.id,
        way: way_in(account.id, organization.management, run, aws),
        management: account.id == organization.management,
        invited: account.invited,
        wanted,
        past,
    }
}

/// Checks that the canaries are among the targets.
pub(super) fn check_canary(run: &RunSettings, targets: &[Target]) -> Result<(), Error> {
    let missing = |id: &&AccountId| !targets.iter().any(|target| target.account == **id);
    match run.canary.iter().find(missing) {
        None => Ok(()),
        Some(id) => Err(Error::Mismatch(format!("--canary names {id}, which is not among the accounts of this run"))),
    }
}

/// The records of the accounts that are not visited.
pub(super) fn skipped(selected: &Selected<'_>, run: &RunSettings) -> BTreeMap<AccountId, Record> {
    let wanted = run.global_endpoint_token_version;
    selected
        .skipped
        .iter()
        .map(|(account, reason)| (account.id, Record::skipped(account.id, wanted, reason.code, reason.message)))
        .collect()
}

/// The record of an account that has left the Organization.
pub(super) fn gone(account: AccountId, run: &RunSettings) -> Record {
    let wanted = run.global_endpoint_token_version;
    let message = "left the Organization after the run that this one is based on";
    Record::skipped(account, wanted, "LeftOrganization", message)
}
