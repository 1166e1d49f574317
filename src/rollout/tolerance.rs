//! Decides when a run or a wave has more errors than `--max-errors` allows, so that no further visit or wave starts.

use super::count_or_percent::CountOrPercent;
use super::{Outcome, RolloutOptions, StopReason, Tally, Verify};

/// How many accounts are allowed to fail, as a count or as a percentage.
pub(crate) type Tolerance = CountOrPercent;

/// Returns the reason to stop if more accounts failed than the tolerance allows, and `None` otherwise. A percentage has no effect
/// if the number of selected accounts is not known.
pub(super) fn too_many(options: &RolloutOptions, tally: &Tally, selection: Option<usize>) -> Option<StopReason> {
    let allowed = match options.max_errors? {
        Tolerance::Count(count) => count,
        percent @ Tolerance::Percent(_) => percent.floor_of(selection?),
    };
    more_than(allowed, options, tally, None)
}

/// Returns the reason to stop if too many accounts of a wave failed, and `None` otherwise. A percentage applies to each wave as
/// well as to the selection; a count applies to the selection only. If a percentage applied to the selection only, the failures
/// of a small canary wave would not stop the run.
pub(super) fn too_many_in_wave(options: &RolloutOptions, wave_tally: &Tally, wave: u32) -> Option<StopReason> {
    let percent = options.max_errors.filter(|tolerance| matches!(tolerance, Tolerance::Percent(_)))?;
    more_than(percent.floor_of(wave_tally.total()), options, wave_tally, Some(wave))
}

/// Returns the reason to stop if there are more than `allowed` errors. Failed and unverified accounts are errors. With `--verify
/// none`, every Set is unverified, so only failed accounts count.
fn more_than(allowed: usize, options: &RolloutOptions, tally: &Tally, wave: Option<u32>) -> Option<StopReason> {
    let verified = options.verify != Verify::None;
    let errors = if verified { tally.errors() } else { tally.of(Outcome::Failed) };
    (errors > allowed).then_some(StopReason::TooManyErrors { errors, allowed, wave })
}
