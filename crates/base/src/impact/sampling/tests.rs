//! Tests of the sampling: what is read within the budget, and how often the bound holds.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// A Thursday at midnight.
const END: u64 = 20_000 * DAY - 1;
const START: u64 = END + 1 - 90 * DAY;

/// An event history: the times of the events of each name, sorted.
struct History(BTreeMap<&'static str, Vec<u64>>);

impl History {
    fn of(events: impl IntoIterator<Item = (&'static str, u64)>) -> Self {
        let mut times: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        for (name, time) in events {
            times.entry(name).or_default().push(time);
        }
        for times in times.values_mut() {
            times.sort_unstable();
        }
        Self(times)
    }

    /// Answers a query as LookupEvents does.
    fn page(&self, query: &EventQuery) -> EventPage {
        let times = self.0.get(query.name).map(Vec::as_slice).unwrap_or_default();
        let first = times.partition_point(|time| *time < query.start);
        let times = &times[first..times.partition_point(|time| *time <= query.end)];
        let offset: usize = query.page.as_ref().map_or(0, |page| page.parse().unwrap());
        let page: Vec<u64> = times.iter().rev().skip(offset).take(50).copied().collect();
        let next = offset + page.len();
        EventPage {
            events: page.iter().map(u64::to_string).collect(),
            oldest: page.last().copied(),
            next: (next < times.len()).then(|| next.to_string()),
        }
    }

    /// Reads the history, and returns the queries.
    fn read(&self, sampler: &mut Sampler) -> Vec<EventQuery> {
        let mut queries = Vec::new();
        while let Some(query) = sampler.next_query() {
            assert_eq!(sampler.next_query().as_ref(), Some(&query), "the query stays the same until its page is there");
            sampler.take(&self.page(&query));
            queries.push(query);
        }
        queries
    }
}

/// One event of a name in each `period` seconds.
fn every(name: &'static str, period: u64) -> impl Iterator<Item = (&'static str, u64)> {
    (START..=END).step_by(usize::try_from(period).unwrap()).map(move |time| (name, time))
}

#[test]
fn what_fits_is_read_to_the_end_and_the_rest_is_sampled() {
    let names = |queries: &[EventQuery]| queries.iter().map(|query| query.name).collect::<BTreeSet<_>>().len();
    // Events of rare names and of AssumeRole, the maximum of pages, the pages read, and the coverage.
    let windows = |read, windows| Coverage::Sampled { read, windows };
    let table = [
        (0, 0, 20, 5, Coverage::Complete),
        (10, 50, 20, 5, Coverage::Complete),
        // 90 + 300 events.
        (90, 300, 20, 11, Coverage::Complete),
        (0, 750, 20, 19, Coverage::Complete),
        // A hundred pages.
        (40, 5000, 20, 20, windows(15, 2160)),
        (40, 5000, 200, 104, Coverage::Complete),
        (40, 5000, 60, 60, windows(55, 2200)),
        // Two names have too many events for the pages.
        (5000, 5000, 20, 19, windows(7, 2163)),
        // 130,000 events are one a minute, so a quarter of an hour fits on half a page.
        (0, 129_600, 20, 20, windows(15, 8640)),
    ];
    for (rare, frequent, max_pages, pages, coverage) in table {
        let spread = |name, number: u64| (0..number).map(move |event| (name, START + 90 * DAY * event / number.max(1)));
        let history = History::of(spread("AssumeRoleWithSAML", rare).chain(spread("AssumeRole", frequent)));
        let mut sampler = Sampler::new(START, END, max_pages, 1);
        let queries = history.read(&mut sampler);
        assert_eq!((queries.len(), sampler.coverage()), (pages, coverage), "{rare} {frequent} {max_pages}");
        assert_eq!(names(&queries), 5);
    }
}

#[test]
fn a_budget_that_is_too_small_is_not_a_sample() {
    let history = History::of(every("AssumeRole", 600));
    for max_pages in 0..=5 {
        let mut sampler = Sampler::new(START, END, max_pages, 1);
        assert_eq!(history.read(&mut sampler).len(), max_pages as usize);
        match (max_pages, sampler.coverage()) {
            (0, Coverage::None) => {}
            (1..5, Coverage::Incomplete(missing)) => assert!(missing.contains("AssumeRole"), "{missing}"),
            (5, Coverage::Incomplete(missing)) => assert!(missing.ends_with("events AssumeRole"), "{missing}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn windows_do_not_overlap_and_are_spread_over_the_week() {
    let history = History::of(every("AssumeRole", 300));
    for seed in 0..20 {
        let mut sampler = Sampler::new(START, END, 5 + 56, seed);
        let queries = history.read(&mut sampler);
        let windows: Vec<(u64, u64)> = queries[5..].iter().map(|query| (query.start, query.end)).collect();
        let distinct: BTreeSet<_> = windows.iter().collect();
        assert_eq!(distinct.len(), windows.len());
        assert!(windows.iter().all(|(start, end)| (START..=END).contains(start) && end <= &END && start <= end));
        let weekdays: BTreeSet<u64> = windows.iter().map(|(start, _)| start / DAY % 7).collect();
        let hours: BTreeSet<u64> = windows.iter().map(|(start, _)| start / HOUR % 24 / 6).collect();
        assert_eq!((weekdays.len(), hours.len()), (7, 4), "{windows:?}");
    }
}

/// The windows together are the whole time.
#[test]
fn windows_cover_every_second() {
    for (start, end, all) in [(START, END, 2160), (START, END, 2163), (7, 106, 9), (5, 5, 1)] {
        let sampler = Sampler::new(start, end, 20, 1);
        let mut next = start;
        for window in 0..all {
            let (first, last) = sampler.bounds(window, all);
            assert_eq!(first, next);
            next = last + 1;
        }
        assert_eq!(next, end + 1);
    }
}

#[test]
fn pages_without_events_or_times_do_not_stop_the_reading() {
    let mut sampler = Sampler::new(START, END, 20, 1);
    let mut pages = 0;
    while let Some(query) = sampler.next_query() {
        pages += 1;
        sampler
            .take(&EventPage { next: (query.name == "AssumeRole").then(|| pages.to_string()), ..EventPage::default() });
    }
    assert_eq!(pages, 20);
    assert!(matches!(sampler.coverage(), Coverage::Incomplete(_)));
}

/// Who calls the global endpoint, as a function of the second.
type Usage = fn(u64) -> bool;

/// The bound holds as often as it says: the claim "at most 3/n of the windows have such a call", made when none of the n windows had
/// one, is wrong for at most 5% of the seeds, whichever hours the calls are in.
#[test]
fn the_bound_holds_as_often_as_it_says() {
    const SEEDS: u64 = 200;
    fn scattered(time: u64, percent: u64) -> bool {
        (time / HOUR).wrapping_mul(0x9e37_79b9_7f4a_7c15) % 1000 < percent * 10
    }
    // The share of hours is just above 3/15 = 20% in the first rows, where the claim is wrong as often as it can be.
    let shapes: [(&str, Usage); 8] = [
        ("a seventh of the hours", |time| scattered(time, 14)),
        ("a fifth of the hours", |time| scattered(time, 21)),
        ("a quarter of the hours", |time| scattered(time, 25)),
        ("office hours", |time| (9..17).contains(&(time / HOUR % 24)) && time / DAY % 7 < 5),
        ("one day of the week and more", |time| time / DAY % 7 == 2 || time / HOUR % 24 == 3 || time / DAY % 7 == 5),
        ("the first three weeks", |time| time - START < 21 * DAY),
        ("five hours of each day", |time| time / HOUR % 24 < 5),
        ("never", |_| false),
    ];
    for (name, is_used) in shapes {
        let history = History::of(every("AssumeRole", 360));
        let (mut wrong, mut claims, mut least) = (0, 0, f64::INFINITY);
        for seed in 0..SEEDS {
            let mut sampler = Sampler::new(START, END, 20, seed);
            let queries = history.read(&mut sampler);
            let Coverage::Sampled { read, windows } = sampler.coverage() else { panic!("{name}") };
            let has_call = |start: u64, end: u64| (start..=end).step_by(60).any(is_used);
            let counted = &queries[5..5 + read as usize];
            if counted.iter().any(|query| has_call(query.start, query.end)) {
                continue;
            }
            claims += 1;
            let with_calls = (0..u64::from(windows))
                .filter(|window| {
                    let (start, end) = sampler.bounds(*window, u64::from(windows));
                    has_call(start, end)
                })
                .count();
            let share = float(with_calls as u64) / f64::from(windows);
            let bound = Coverage::bound_percent(read) / 100.0;
            least = least.min(bound);
            wrong += u64::from(share > bound);
        }
        assert!(wrong * 20 <= SEEDS, "{name}: {wrong} of {SEEDS} are wrong");
        if name == "never" {
            assert_eq!((claims, wrong), (SEEDS, 0));
            assert!(least <= 0.2, "{least}");
        } else {
            assert!(claims < SEEDS, "{name}: the calls are never met");
        }
    }
}

/// The bound needs windows that are drawn with the same probability, at every position of the order.
#[test]
fn every_window_is_drawn_as_often_as_every_other() {
    const SEEDS: u64 = 6000;
    let (start, end) = (START, START + 10 * DAY - 1);
    let history = History::of(every("AssumeRole", 360).filter(|(_, time)| *time <= end));
    let (mut drawn, mut first) = (BTreeMap::new(), BTreeMap::new());
    for seed in 0..SEEDS {
        let mut sampler = Sampler::new(start, end, 20, seed);
        history.read(&mut sampler);
        let windows = sampler.windows.expect("the history is too long for 20 pages");
        assert_eq!((windows.all, windows.drawn.len()), (240, 15));
        *first.entry(windows.drawn[0]).or_insert(0_u64) += 1;
        for window in windows.drawn {
            *drawn.entry(window).or_insert(0_u64) += 1;
        }
    }
    // Five standard deviations around the mean.
    let range = |mean: f64| mean - 5.0 * mean.sqrt()..mean + 5.0 * mean.sqrt();
    assert_eq!((drawn.len(), first.len()), (240, 240));
    assert!(drawn.values().all(|count| range(375.0).contains(&float(*count))), "{drawn:?}");
    assert!(first.values().all(|count| range(25.0).contains(&float(*count))), "{first:?}");
}

/// A window that uses up the budget does not count, and neither does any window after it.
#[test]
fn a_busy_window_ends_the_reading_and_does_not_count() {
    // Every tenth hour has a burst of 1,500 events, with all calls of the global endpoint in it.
    let is_busy = |time: u64| time / HOUR % 10 == 7;
    let bursts = (START / HOUR..=END / HOUR)
        .filter(|hour| hour % 10 == 7)
        .flat_map(|hour| (0..1500).map(move |event| ("AssumeRole", hour * HOUR + event * 2)));
    let quiet = every("AssumeRole", 600).filter(|(_, time)| !is_busy(*time));
    let history = History::of(quiet.chain(bursts));
    let mut wrong = 0;
    for seed in 0..200 {
        let mut sampler = Sampler::new(START, END, 60, seed);
        let queries = history.read(&mut sampler);
        assert!(queries.len() <= 60);
        if let Coverage::Sampled { read, .. } = sampler.coverage() {
            let of_counted: BTreeSet<u64> = queries[5..].iter().map(|query| query.start).collect();
            assert!(of_counted.len() >= read as usize);
            let windows = sampler.windows.as_ref().unwrap();
            let met = windows.drawn[..read as usize].iter().any(|window| {
                let (start, end) = sampler.bounds(*window, windows.all);
                (start..=end).step_by(60).any(is_busy)
            });
            wrong += u64::from(!met && Coverage::bound_percent(read) < 10.0);
        }
    }
    assert!(wrong <= 10, "{wrong}");
}
