//! This module owns `report`: a run is shown again from its journal, whether it is finished, goes on, or was cut short.

use super::close::tell;
use crate::cli::ReportArgs;
use crate::error::Error;
use crate::journal::RunFolder;
use crate::report::{Report, ReportFiles};
use crate::rollout::{Outcome, Tally};
use crate::settings::{Surroundings, Voice};

/// Shows the run in a folder.
pub(super) fn report(args: ReportArgs, surroundings: &Surroundings) -> Result<u8, Error> {
    let voice = Voice::resolve(args.output, surroundings)?;
    let files = ReportFiles::open(&[], &voice.reports)?;
    let (info, replay) = match RunFolder::read(&args.folder) {
        Ok(read) => read,
        Err(error) => {
            files.discard();
            return Err(error);
        }
    };
    let records = replay.records();
    let sentence = match (&replay.ended, replay.ready) {
        (Some((_, verdict)), _) => verdict.clone(),
        (None, true) => unfinished(&records.iter().map(|record| record.outcome).collect()),
        (None, false) => {
            "not finished: the accounts are still being listed, or the run ended before all of them were".to_owned()
        }
    };
    let report = Report {
        run: &info,
        accounts: &replay.accounts,
        records: &records,
        sentence: &sentence,
        ended: replay.ended.as_ref().map(|(exit_code, _)| *exit_code),
    };
    files.finish(&report)?;
    tell(&voice, &args.folder, &report).map_err(|source| Error::Unwritable {
        what: "the report",
        path: "stdout".into(),
        source,
    })?;
    Ok(0)
}

fn unfinished(tally: &Tally) -> String {
    let selected = tally.total() - tally.of(Outcome::Skipped);
    let left = tally.of(Outcome::NotAttempted);
    let changed = tally.of(Outcome::Changed);
    format!("not finished: {changed} of {selected} selected accounts were changed so far, {left} are left")
}
