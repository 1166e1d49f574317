//! The waves of a plan: those in which an apply of the plan would visit the accounts that would change.

use super::context::RunContext;
use super::execute::Visited;
use crate::journal::Entry;
use crate::org::Account;
use crate::rollout::wave::divide_by_impact;
use crate::rollout::{Mode, Outcome, Record};

/// Divides the accounts that a plan would change into waves, and notes the wave of each in its record and in the journal. Does nothing if
/// the run is no plan, or if it left accounts out.
pub(super) fn plan_waves(context: &RunContext, visited: &mut Visited) {
    let (run, members) = (&context.settings.run, &context.wave_members);
    let left_out = visited.not_visited_again > 0 || visited.records.iter().any(Record::needs_resume);
    let (Mode::Plan, Some(waves), Some(management), false) =
        (run.mode, &run.waves, context.info.management_account, left_out)
    else {
        return;
    };
    let would_change = |(_, record): &(&Account, &Record)| record.outcome == Outcome::WouldChange;
    let chosen: Vec<&Account> =
        visited.accounts.iter().zip(&visited.records).filter(would_change).map(|(account, _)| account).collect();
    for (number, accounts) in
        divide_by_impact(&chosen, management, &run.canary, Some((waves, members)), run.impact.as_ref())
    {
        let Some(wave) = number else { continue };
        for account in &accounts {
            if let Ok(index) = visited.accounts.binary_search_by_key(&account.id, |account| account.id) {
                visited.records[index].wave = number;
            }
        }
        let accounts: Vec<_> = accounts.into_iter().map(|account| account.id).collect();
        visited.journal.append(&Entry::PlannedWave { wave, accounts: accounts.into() });
    }
}
