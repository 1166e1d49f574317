//! This module owns the timeline: when visits started, how they came out, and what AWS throttled, wave by wave.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::rollout::{Record, Tally};

/// At most so many columns are drawn.
const COLUMNS: u64 = 120;
/// The lengths that a column may have, in milliseconds; longer ones are whole days.
pub(super) const LENGTHS: [u64; 21] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
    3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, DAY,
];
const DAY: u64 = 86_400_000;
/// A time without any visit is cut out of the axis when it is at least so long, and at least a twentieth of the time with
/// visits: a wait between waves, or the days before a resume, would leave no room for anything else.
const PAUSE: u64 = 2_000;
/// At most so many are cut out, the longest ones.
const PAUSES: usize = 12;

/// When visits started and how they came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timeline {
    /// When the first visit started.
    pub start: SystemTime,
    /// How long a column is.
    pub length: Duration,
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The waves, in order.
    pub waves: Vec<WaveLine>,
}

/// The visits that started within one step of the time axis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Column {
    /// From the start of the first visit to the start of this column.
    pub at: Duration,
    /// The pause in front of it, where one was cut out.
    pub pause: Option<Duration>,
    /// How the visits came out.
    pub tally: Tally,
    /// How many of their calls AWS throttled.
    pub throttled: u64,
}

/// What is to be said of one wave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WaveLine {
    /// Its number, from 1; `None` in a run without waves.
    pub number: Option<u32>,
    /// How its visits came out.
    pub tally: Tally,
    /// How many of their calls AWS throttled.
    pub throttled: u64,
    /// From the start of the first visit of the run to that of the wave.
    pub at: Duration,
    /// From the start of its first visit to the end of its last, pauses of the process included.
    pub lasted: Duration,
    /// The same without the pauses that are cut out.
    pub busy: Duration,
    /// How long half of its visits took at most.
    pub median: Duration,
    /// How long its longest visit took.
    pub longest: Duration,
}

impl WaveLine {
    /// How many of its visits ended in a second, as long as it was not paused.
    pub(crate) fn per_second(&self) -> f64 {
        let count = u32::try_from(self.tally.total()).unwrap_or(u32::MAX);
        f64::from(count) / self.busy.as_secs_f64().max(0.001)
    }
}

/// One visit, in milliseconds from the start of the first.
struct Visit<'a> {
    start: u64,
    end: u64,
    record: &'a Record,
}

impl Timeline {
    /// The timeline of the accounts that were visited; `None` where none was.
    pub(crate) fn of(records: &[Record]) -> Option<Self> {
        let start = records.iter().filter_map(|record| record.started_at).min()?;
        let mut visits: Vec<Visit<'_>> = records.iter().filter_map(|record| visit(record, start)).collect();
        visits.sort_unstable_by_key(|visit| visit.start);
        let pauses = pauses(&visits);
        let (length, columns) = columns(&visits, &pauses);
        Some(Self { start, length: Duration::from_millis(length), columns, waves: waves(&visits, &pauses) })
    }
}

fn visit(record: &Record, first: SystemTime) -> Option<Visit<'_>> {
    let start = crate::timestamp::milliseconds(record.started_at?.duration_since(first).ok()?);
    let end = start + crate::timestamp::milliseconds(record.duration.unwrap_or_default());
    Some(Visit { start, end, record })
}

/// The times without any visit that are cut out, each from its start to its end, in order.
fn pauses(visits: &[Visit<'_>]) -> Vec<(u64, u64)> {
    let (mut busy_until, mut idle) = (0, Vec::new());
    for visit in visits {
        if visit.start > busy_until {
            idle.push((busy_until, visit.start));
        }
        busy_until = busy_until.max(visit.end);
    }
    let busy = busy_until - idle.iter().map(|(from, to)| to - from).sum::<u64>();
    idle.retain(|(from, to)| to - from >= PAUSE.max(busy / 20));
    idle.sort_unstable_by_key(|(from, to)| std::cmp::Reverse(to - from));
    idle.truncate(PAUSES);
    idle.sort_unstable();
    idle
}

/// The columns, and how long each is. None spans a pause.
fn columns(visits: &[Visit<'_>], pauses: &[(u64, u64)]) -> (u64, Vec<Column>) {
    let end = visits.iter().map(|visit| visit.start).max().unwrap_or(0) + 1;
    let starts = std::iter::once(0).chain(pauses.iter().map(|(_, to)| *to));
    let ends = pauses.iter().map(|(from, _)| *from).chain([end]);
    let stretches: Vec<(u64, u64)> = starts.zip(ends).collect();
    let needed = |length: u64| stretches.iter().map(|(from, to)| (to - from).div_ceil(length).max(1)).sum::<u64>();
    // Each stretch rounds up to a column, so that there may be more of them than this by the number of pauses.
    let enough = |length: &u64| needed(*length) <= COLUMNS + pauses.len() as u64;
    let length = LENGTHS.into_iter().find(enough).unwrap_or_else(|| (end / COLUMNS).div_ceil(DAY).max(1) * DAY);
    let mut columns: Vec<Column> = Vec::new();
    let mut rest = visits.iter().peekable();
    for (number, (from, to)) in stretches.into_iter().enumerate() {
        for step in 0..(to - from).div_ceil(length).max(1) {
            let at = from + step * length;
            let pause = pauses[..number].last().filter(|_| step == 0).map(|(from, to)| to - from);
            let mut column =
                Column { at: Duration::from_millis(at), pause: pause.map(Duration::from_millis), ..Column::default() };
            while let Some(visit) = rest.next_if(|visit| visit.start < (at + length).min(to)) {
                column.tally.add(visit.record.outcome);
                column.throttled += u64::from(visit.record.throttled);
            }
            columns.push(column);
        }
    }
    (length, columns)
}

fn waves(visits: &[Visit<'_>], pauses: &[(u64, u64)]) -> Vec<WaveLine> {
    let mut by_wave: BTreeMap<Option<u32>, Vec<&Visit<'_>>> = BTreeMap::new();
    for visit in visits {
        by_wave.entry(visit.record.wave).or_default().push(visit);
    }
    let line = |(number, visits): (Option<u32>, Vec<&Visit<'_>>)| {
        let start = visits.first().map_or(0, |visit| visit.start);
        let end = visits.iter().map(|visit| visit.end).max().unwrap_or(start);
        let inside = pauses.iter().filter(|(from, to)| *from >= start && *to <= end);
        let idle: u64 = inside.map(|(from, to)| to - from).sum();
        let mut durations: Vec<u64> = visits.iter().map(|visit| visit.end - visit.start).collect();
        durations.sort_unstable();
        WaveLine {
            number,
            tally: visits.iter().map(|visit| visit.record.outcome).collect(),
            throttled: visits.iter().map(|visit| u64::from(visit.record.throttled)).sum(),
            at: Duration::from_millis(start),
            lasted: Duration::from_millis(end - start),
            busy: Duration::from_millis(end - start - idle),
            median: Duration::from_millis(durations[(durations.len() - 1) / 2]),
            longest: Duration::from_millis(durations.last().copied().unwrap_or(0)),
        }
    };
    by_wave.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::TokenVersion;
    use crate::rollout::Outcome;

    /// Visits, each as its start and its duration in milliseconds, its wave, and its throttles.
    fn records(of: &[(u64, u64, u32, u32)]) -> Vec<Record> {
        let make = |(number, (start, duration, wave, throttled)): (usize, &(u64, u64, u32, u32))| Record {
            outcome: if number == 0 { Outcome::Failed } else { Outcome::Changed },
            wave: Some(*wave),
            throttled: *throttled,
            started_at: Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_000 + start)),
            duration: Some(Duration::from_millis(*duration)),
            ..Record::blank(format!("{number:012}").parse().unwrap(), TokenVersion::V2Token)
        };
        of.iter().enumerate().map(make).collect()
    }

    fn total(timeline: &Timeline) -> (usize, u64) {
        let visits = timeline.columns.iter().map(|column| column.tally.total()).sum();
        (visits, timeline.columns.iter().map(|column| column.throttled).sum())
    }

    #[test]
    fn a_run_without_a_visit_has_none() {
        assert_eq!(Timeline::of(&[]), None);
        assert_eq!(Timeline::of(&[Record::blank("000000000001".parse().unwrap(), TokenVersion::V2Token)]), None);
    }

    #[test]
    fn every_visit_and_every_throttle_is_in_one_column() {
        let even: Vec<_> = (0..5_000).map(|number| (number * 20, 300, 1, u32::from(number % 50 == 0))).collect();
        let timeline = Timeline::of(&records(&even)).unwrap();
        assert_eq!(total(&timeline), (5_000, 100));
        assert_eq!((timeline.length, timeline.columns.len()), (Duration::from_secs(1), 100));
        assert_eq!(timeline.columns[99].at, Duration::from_secs(99));
        assert!(timeline.columns.iter().all(|column| column.tally.total() == 50 && column.pause.is_none()));
    }

    #[test]
    fn a_long_pause_is_cut_out_and_told() {
        let day = 86_400_000;
        let timeline = Timeline::of(&records(&[
            (0, 400, 1, 2),
            (10_000, 500, 2, 0),
            (10_100, 700, 2, 0),
            (day, 300, 3, 0),
            (day + 250, 300, 3, 1),
        ]))
        .unwrap();
        assert_eq!(total(&timeline), (5, 3));
        let pauses: Vec<_> = timeline.columns.iter().filter_map(|column| column.pause).collect();
        assert_eq!(pauses, [Duration::from_millis(9_600), Duration::from_millis(day - 10_800)]);
        assert!(timeline.columns.len() < 40, "{}", timeline.columns.len());
        let told: Vec<_> =
            timeline.waves.iter().map(|wave| (wave.number, wave.tally.total(), wave.throttled)).collect();
        assert_eq!(told, [(Some(1), 1, 2), (Some(2), 2, 0), (Some(3), 2, 1)]);
        assert_eq!(timeline.waves[1].lasted, Duration::from_millis(800));
        assert_eq!((timeline.waves[1].median, timeline.waves[1].longest), {
            (Duration::from_millis(500), Duration::from_millis(700))
        });
        assert!((timeline.waves[1].per_second() - 2.5).abs() < 1e-9);

        // A wave that was interrupted and resumed the next day.
        let timeline = Timeline::of(&records(&[(0, 400, 1, 0), (day, 600, 1, 0)])).unwrap();
        assert_eq!(timeline.waves[0].lasted, Duration::from_millis(day + 600));
        assert!((timeline.waves[0].per_second() - 2.0).abs() < 1e-9, "{:?}", timeline.waves);
    }

    #[test]
    fn the_columns_stay_few_however_long_the_run() {
        for minutes in [1, 60, 60 * 24, 60 * 24 * 400] {
            let even: Vec<_> = (0..1_000).map(|number| (number * minutes * 60, minutes * 60, 1, 0)).collect();
            let timeline = Timeline::of(&records(&even)).unwrap();
            assert!(timeline.columns.len() <= 133, "{minutes} minutes: {}", timeline.columns.len());
            assert_eq!(total(&timeline).0, 1_000);
        }
    }
}
