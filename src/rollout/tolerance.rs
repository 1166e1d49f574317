//! Decides when a run or a wave has more errors than `--max-errors` allows, so that no further visit or wave starts.

use std::collections::BTreeMap;

use super::count_or_percent::CountOrPercent;
use super::{Outcome, RolloutOptions, StopReason, Tally, Verify};

/// How many accounts are allowed to fail, as a count or as a percentage.
pub(crate) type Tolerance = CountOrPercent;

/// Of fewer accounts than this, a percentage allows one to fail, in every wave but the first.
const FEW: usize = 10;

/// Returns how many of these accounts are allowed to fail. A percentage is rounded down. Of few accounts that would usually be none,
/// and one bad account would stop a rollout that has gone well so far, so one is allowed. But no failure of the first wave is
/// excused in this way, because the first wave is the canary.
fn allowed(tolerance: Tolerance, accounts: usize, wave: Option<u32>) -> usize {
    let is_first = wave.is_none_or(|wave| wave == 1);
    let floor = tolerance.floor_of(accounts);
    match tolerance {
        Tolerance::Percent(1..) if accounts < FEW && !is_first => floor.max(1),
        Tolerance::Percent(_) | Tolerance::Count(_) => floor,
    }
}

/// Returns the reason to stop if more accounts failed than the tolerance allows, and `None` otherwise. `wave` is the wave that runs. A
/// percentage has no effect if the number of selected accounts is not known.
pub(super) fn too_many(
    options: &RolloutOptions,
    tally: &Tally,
    selection: Option<usize>,
    wave: Option<u32>,
) -> Option<StopReason> {
    let allowed = match options.max_errors? {
        Tolerance::Count(count) => count,
        percent @ Tolerance::Percent(_) => allowed(percent, selection?, wave),
    };
    more_than(allowed, options, tally, None)
}

/// Returns the reason to stop if too many accounts of a wave failed, and `None` otherwise. A percentage applies to each wave as
/// well as to the selection; a count applies to the selection only. If a percentage applied to the selection only, the failures
/// of a small canary wave would not stop the run.
pub(super) fn too_many_in_wave(options: &RolloutOptions, wave_tally: &Tally, wave: u32) -> Option<StopReason> {
    let percent = options.max_errors.filter(|tolerance| matches!(tolerance, Tolerance::Percent(_)))?;
    more_than(allowed(percent, wave_tally.total(), Some(wave)), options, wave_tally, Some(wave))
}

/// Whether the results of a run exceed the tolerance: those of all accounts, or those of a wave whose accounts were all visited.
/// `results` has the wave and the outcome of every account of the run; the outcome of an account that was not visited is `None`.
pub(crate) fn is_exceeded(
    options: &RolloutOptions,
    results: impl IntoIterator<Item = (Option<u32>, Option<Outcome>)>,
) -> bool {
    let (mut all, mut waves) = (Tally::default(), BTreeMap::<u32, Tally>::new());
    for (wave, outcome) in results {
        let outcome = outcome.unwrap_or(Outcome::NotAttempted);
        all.add(outcome);
        if let Some(wave) = wave {
            waves.entry(wave).or_default().add(outcome);
        }
    }
    let is_begun = |tally: &Tally| tally.of(Outcome::NotAttempted) < tally.total();
    let latest = waves.iter().filter(|(_, tally)| is_begun(tally)).map(|(wave, _)| *wave).max();
    let mut visited = waves.into_iter().filter(|(_, tally)| tally.of(Outcome::NotAttempted) == 0);
    too_many(options, &all, Some(all.total()), latest).is_some()
        || visited.any(|(wave, tally)| too_many_in_wave(options, &tally, wave).is_some())
}

/// Whether an outcome counts against the tolerance. With `--verify none`, every Set is unverified, so only failed accounts count.
pub(crate) fn is_counted(verify: &Verify, outcome: Outcome) -> bool {
    match verify {
        Verify::None => outcome == Outcome::Failed,
        Verify::Setting | Verify::TokenSize | Verify::TokenIn(_) => outcome.is_error(),
    }
}

fn more_than(allowed: usize, options: &RolloutOptions, tally: &Tally, wave: Option<u32>) -> Option<StopReason> {
    let counted = |outcome| if is_counted(&options.verify, outcome) { tally.of(outcome) } else { 0 };
    let (failed, unverified) = (counted(Outcome::Failed), counted(Outcome::Unverified));
    (failed + unverified > allowed).then_some(StopReason::TooManyErrors { failed, unverified, allowed, wave })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_of_few_accounts_allows_one_failure_after_the_first_wave() {
        use CountOrPercent::{Count, Percent};
        // Of this many accounts, how many may fail without waves, in the first wave, and in a later wave.
        let table = [
            (Percent(10), 1, [0, 0, 1]),
            (Percent(10), 8, [0, 0, 1]),
            (Percent(10), 9, [0, 0, 1]),
            (Percent(10), 10, [1, 1, 1]),
            (Percent(10), 19, [1, 1, 1]),
            (Percent(5), 19, [0, 0, 0]),
            (Percent(50), 8, [4, 4, 4]),
            (Percent(1), 2, [0, 0, 1]),
            (Percent(0), 8, [0, 0, 0]),
            (Percent(100), 8, [8, 8, 8]),
            (Count(0), 8, [0, 0, 0]),
            (Count(3), 2, [3, 3, 3]),
        ];
        for (tolerance, accounts, expected) in table {
            let all = [None, Some(1), Some(2)].map(|wave| allowed(tolerance, accounts, wave));
            assert_eq!(all, expected, "{tolerance} of {accounts}");
        }
    }
}
