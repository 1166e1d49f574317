//! Reads the impact that `--impact` of `plan` and `apply` names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use super::{absolute, run_folder};
use crate::error::Error;
use crate::impact::known_impact::KnownImpact;
use crate::impact::verdict::Verdict;
use crate::org::AccountId;
use crate::report::impact::ImpactReport;
use crate::settings::Environment;
use crate::terminal::Progress;
use crate::terminal::stderr_mode::StderrMode;

/// An older impact is probably no longer true.
const OLD: Duration = Duration::from_hours(30 * 24);

/// Reads the impact in a folder, or with this name.
///
/// # Errors
///
/// Returns an error if there is no such impact, or if its report can't be read.
pub(super) fn read(given: PathBuf, mode: StderrMode, environment: &Environment) -> Result<KnownImpact, Error> {
    let folder = absolute(run_folder::named_impact(given, mode)?);
    if !ImpactReport::is_in(&folder) {
        return Err(Error::Mismatch(format!(
            "--impact: {} has no report of an impact, which the command impact makes",
            folder.display()
        )));
    }
    let report = ImpactReport::read(&folder).map_err(|cause| Error::Mismatch(format!("--impact: {cause}")))?;
    let mut verdicts: BTreeMap<Verdict, BTreeSet<AccountId>> = BTreeMap::new();
    for account in &report.accounts {
        verdicts.entry(account.verdict).or_default().insert(account.account_id);
    }
    let known = KnownImpact {
        run_id: report.run.run_id.to_string(),
        folder,
        organization_id: report.run.organization_id.clone(),
        ended_at: report.run.ended_at.or(report.run.started_at),
        affected_principals: report.affected_principals(),
        verdicts,
    };
    let age = known.ended_at.and_then(|ended| environment.now.duration_since(ended).ok());
    if let Some(age) = age.filter(|age| *age > OLD) {
        Progress::new(mode).warn(&format!(
            "the impact in {} is {} days old: clients may have changed since; make a new one with v2token impact",
            known.folder.display(),
            age.as_secs() / (24 * 60 * 60)
        ));
    }
    Ok(known)
}
