//! Tests of the reading of event histories.

use super::*;
use crate::impact::coverage::Coverage;
use crate::rollout::lookups::{EventSink, Lookups};
use crate::rollout::visit::look_up::SPACING;

/// Remembers what it gets.
#[derive(Debug, Default)]
struct Sink {
    pages: RefCell<BTreeMap<AccountId, usize>>,
    finished: RefCell<BTreeMap<AccountId, Coverage>>,
}

impl EventSink for Sink {
    fn needs(&self, account: AccountId) -> bool {
        account != id(3)
    }

    fn take(&self, account: AccountId, page: &EventPage) {
        assert_eq!(page.events, ["{}"]);
        *self.pages.borrow_mut().entry(account).or_default() += 1;
    }

    fn finish(&self, account: AccountId, coverage: Coverage) {
        assert!(self.finished.borrow_mut().insert(account, coverage).is_none(), "once");
    }
}

fn reading(sink: &Sink, max_pages: u32) -> Lookups<'_> {
    Lookups { start: 1_000_000, end: 1_000_000 + 90 * 86_400, max_pages, seed: 1, sink }
}

/// A plan that reads the event histories.
fn plan<'a>(fake: &'a Fake, sink: &'a Sink, max_pages: u32) -> Rollout<'a, Fake, Fake> {
    let options = RolloutOptions { mode: Mode::Plan, account_timeout: Duration::from_secs(10), ..options() };
    Rollout { lookups: Some(reading(sink, max_pages)), ..fake.rollout(options) }
}

/// Returns the times between the calls of an account.
fn gaps(fake: &Fake, number: u64) -> Vec<Duration> {
    let lookups = fake.lookups.borrow();
    let times: Vec<_> = lookups.iter().filter(|(account, ..)| *account == id(number)).map(|(.., at)| *at).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test(start_paused = true)]
async fn each_account_is_asked_twice_a_second_and_no_more_pages_than_allowed() {
    let (fake, sink) = (Fake::new(40), Sink::default());
    let (ended, records) = run(&plan(&fake, &sink, 60), |_| {}).await;
    assert_eq!(ended.tally.of(Outcome::WouldChange), 40, "{records:?}");
    let pages = sink.pages.take();
    assert_eq!(pages.len(), 39, "the account that needs no events is not asked");
    assert!(pages.values().all(|pages| *pages == 60));
    for number in [1, 2, 40] {
        let gaps = gaps(&fake, number);
        assert!(gaps.iter().all(|gap| *gap >= SPACING), "{gaps:?}");
    }
    // The visits take 30 seconds, which is longer than the time limit of a visit, and 32 of them run at once.
    assert!((30..75).contains(&fake.started.elapsed().as_secs()), "{:?}", fake.started.elapsed());
    assert_eq!(sink.finished.take().len(), 39);
}

#[tokio::test(start_paused = true)]
async fn throttles_and_expired_sessions_cost_no_page() {
    let sink = Sink::default();
    let fake = Fake::new(2).fault(1, Operation::LookupEvents, [THROTTLED, THROTTLED, BROKEN]).fault(
        2,
        Operation::LookupEvents,
        [EXPIRED],
    );
    let (_, records) = run(&plan(&fake, &sink, 10), |_| {}).await;
    assert!(records.iter().all(|record| record.outcome == Outcome::WouldChange), "{records:?}");
    assert_eq!(sink.pages.take().into_values().collect::<Vec<_>>(), [10, 10]);
    assert_eq!([1, 2].map(|number| fake.count(number, Operation::LookupEvents)), [13, 11]);
    assert_eq!([1, 2].map(|number| fake.count(number, Operation::AssumeRole)), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_denied_history_keeps_the_version() {
    let sink = Sink::default();
    let fake = Fake::new(1).fault(1, Operation::LookupEvents, [DENIED]);
    let (_, records) = run(&plan(&fake, &sink, 10), |_| {}).await;
    let [record] = &records[..] else { panic!("{records:?}") };
    let error = record.error.as_ref().unwrap();
    assert_eq!((record.outcome, error.stage), (Outcome::Failed, Stage::Read));
    assert_eq!(record.current_version, Some(ObservedVersion::V1Token));
    assert_eq!(sink.finished.take()[&id(1)], Coverage::None);
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_reading_and_keeps_what_was_read() {
    let (fake, sink) = (Fake::new(10), Sink::default());
    let rollout = plan(&fake, &sink, 1000);
    let stop = async {
        tokio::time::sleep(Duration::from_secs(20)).await;
        rollout.stop.request(StopReason::Interrupted);
    };
    let ((ended, records), ()) = futures::future::join(run(&rollout, |_| {}), stop).await;
    assert!(ended.stopped.is_some());
    assert!(records.iter().all(|record| record.outcome == Outcome::WouldChange), "{records:?}");
    assert!(fake.started.elapsed() < Duration::from_secs(22), "{:?}", fake.started.elapsed());
    let finished = sink.finished.take();
    assert_eq!(finished.len(), 9);
    assert!(finished.values().all(|coverage| matches!(coverage, Coverage::Sampled { .. })), "{finished:?}");
}
