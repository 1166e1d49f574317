//! Tests of the rollout on a paused clock, against an in-memory fake of AWS.

mod fake;
mod faults;
mod lookups;
mod outages;
mod tokens;
mod waves;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use self::fake::*;
use super::*;
use crate::cloud::{AccessMethod, Answer, Effect, Failure, FailureKind, Operation, TokenSize};
use crate::impact::event_page::{EventPage, EventQuery};
use crate::org::{AccountId, ObservedVersion, TokenVersion};
use crate::rollout::visit::verify::{READ_BACK_WAITS, TOKEN_WAITS};
use crate::rollout::wave::Waves;
use crate::rollout::{
    Mode, NotDurable, Outcome, Provenance, Record, RolloutOptions, Stage, Tolerance, Verified, Verify,
};
fn options() -> RolloutOptions {
    RolloutOptions {
        mode: Mode::Apply,
        verify: Verify::Setting,
        rate: 0,
        concurrency: 32,
        max_attempts: 4,
        account_timeout: Duration::from_mins(2),
        bake: Duration::ZERO,
        max_errors: None,
    }
}

async fn run(rollout: &Rollout<'_, Fake, Fake>, listen: impl FnMut(&Event<'_>)) -> (RolloutResult, Vec<Record>) {
    run_in_waves(rollout, None, listen).await
}

async fn run_in_waves(
    rollout: &Rollout<'_, Fake, Fake>,
    waves: Option<&Waves>,
    mut listen: impl FnMut(&Event<'_>),
) -> (RolloutResult, Vec<Record>) {
    let targets: Vec<Target> = rollout
        .cloud
        .world
        .borrow()
        .versions
        .keys()
        .map(|account| Target {
            wave: None,
            account: *account,
            access: AccessMethod::Role(format!("arn:aws:iam::{account}:role/R").into()),
            management: false,
            invited: false,
            wanted: TokenVersion::V2Token,
            provenance: Provenance::None,
        })
        .collect();
    let count = targets.len();
    let mut rest = targets.into_iter();
    let sizes = waves.map_or_else(|| vec![count], |waves| waves.sizes(count));
    let wave = |(number, size)| {
        let number = waves.map(|_| number);
        Wave { number, targets: rest.by_ref().take(size).map(|target| target.in_wave(number)).collect() }
    };
    let waves: Vec<Wave> = (1..).zip(sizes).map(wave).collect();
    let mut records = Vec::new();
    let ended = roll_out(
        rollout,
        Targets::Waves(&waves),
        |event| {
            listen(&event);
            if let Event::Visited { record, .. } = event {
                records.push(record.clone());
            }
        },
        async |_| Ok(()),
    )
    .await;
    assert_eq!(ended.tally.total(), count);
    let reported: HashSet<_> = records.iter().map(|record| record.account_id).collect();
    assert_eq!(reported.len(), count, "every target is reported exactly once");
    records.sort_by_key(|record| record.account_id);
    (ended, records)
}

/// Returns the record of one account with faults in one operation.
async fn one(operation: Operation, faults: impl IntoIterator<Item = Fault>) -> (Record, Fake) {
    let fake = Fake::new(1).fault(1, operation, faults);
    let (_, records) = run(&fake.rollout(options()), |_| {}).await;
    (records.into_iter().next().unwrap(), fake)
}
