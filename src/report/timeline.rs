//! The timeline of a run: when visits started, their outcomes and throttled calls, and a summary of each wave.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::rollout::{Mode, Record, Tally};

/// The maximum number of bins without pauses. Each pause that is cut out can add one bin to this number.
const BINS: u64 = 120;
/// The possible lengths of a bin, in milliseconds. Longer bins are whole days.
pub(super) const LENGTHS: [u64; 21] = [
    100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
    3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, DAY,
];
const DAY: u64 = 86_400_000;
/// The minimum length, in milliseconds, of a pause that is cut out of the axis. Such a pause also lasts at least a twentieth of
/// the time with visits. Without the cut, a wait between waves, or the days before a resume, would take almost the whole axis.
const MIN_PAUSE: u64 = 2_000;
/// The maximum number of pauses that are cut out, the longest first.
const MAX_PAUSES: usize = 12;

/// The visits of a run over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Timeline {
    /// The length of a bin.
    pub bin_length: Duration,
    /// The bins, in order.
    pub bins: Vec<Bin>,
    /// The waves, in order.
    pub waves: Vec<WaveSummary>,
}

/// The visits that started within one interval of the time axis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bin {
    /// The start of the bin, since the start of the first visit.
    pub at: Duration,
    /// The pause that was cut out before the bin; `None` if no pause was cut out there.
    pub pause: Option<Duration>,
    /// The outcomes of the visits.
    pub tally: Tally,
    /// The number of calls of these visits that AWS throttled.
    pub throttled: usize,
}

/// The summary of one wave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct WaveSummary {
    /// The number of the wave, from 1; `None` in a run without waves.
    pub number: Option<u32>,
    /// The outcomes of the wave's visits.
    pub tally: Tally,
    /// The number of calls of these visits that AWS throttled.
    pub throttled: usize,
    /// The start of the wave's first visit, since the start of the run's first visit.
    pub at: Duration,
    /// The time from the start of the wave's first visit to the end of its last visit, including pauses of the process.
    pub elapsed: Duration,
    /// The elapsed time without the pauses that are cut out.
    pub busy: Duration,
    /// The median duration of the wave's visits.
    pub median: Duration,
    /// The duration of the wave's longest visit.
    pub longest: Duration,
}

impl WaveSummary {
    /// Returns the number of visits per second, without pauses.
    pub(crate) fn visits_per_second(&self) -> f64 {
        let count = u32::try_from(self.tally.total()).unwrap_or(u32::MAX);
        f64::from(count) / self.busy.as_secs_f64().max(0.001)
    }
}

/// A visit, with its start and end in milliseconds since the start of the first visit.
struct TimedVisit<'a> {
    start: u64,
    end: u64,
    record: &'a Record,
}

impl Timeline {
    /// Returns the timeline, or `None` if no account was visited. A plan visits all accounts at once: the waves of its records are those of
    /// an apply.
    pub(crate) fn of(records: &[Record], mode: Mode) -> Option<Self> {
        let first = records.iter().filter_map(|record| record.started_at).min()?;
        let timed = records.iter().filter_map(|record| {
            let start = record.started_at?.milliseconds() - first.milliseconds();
            Some(TimedVisit { start, end: start + record.duration.map_or(0, u64::from), record })
        });
        let mut visits: Vec<TimedVisit<'_>> = timed.collect();
        visits.sort_unstable_by_key(|visit| visit.start);
        let pauses = pauses(&visits);
        let (length, bins) = bins(&visits, &pauses);
        Some(Self { bin_length: Duration::from_millis(length), bins, waves: waves(&visits, &pauses, mode) })
    }
}

/// Returns the start and end of each pause that is cut out, in order.
fn pauses(visits: &[TimedVisit<'_>]) -> Vec<(u64, u64)> {
    let (mut busy_until, mut idle) = (0, Vec::new());
    for visit in visits {
        if visit.start > busy_until {
            idle.push((busy_until, visit.start));
        }
        busy_until = busy_until.max(visit.end);
    }
    let busy = busy_until - idle.iter().map(|(from, to)| to - from).sum::<u64>();
    idle.retain(|(from, to)| to - from >= MIN_PAUSE.max(busy / 20));
    idle.sort_unstable_by_key(|(from, to)| std::cmp::Reverse(to - from));
    idle.truncate(MAX_PAUSES);
    idle.sort_unstable();
    idle
}

/// Returns the length of the bins, and the bins. No bin spans a pause.
fn bins(visits: &[TimedVisit<'_>], pauses: &[(u64, u64)]) -> (u64, Vec<Bin>) {
    let end = visits.iter().map(|visit| visit.start).max().unwrap_or(0) + 1;
    let starts = std::iter::once(0).chain(pauses.iter().map(|(_, to)| *to));
    let ends = pauses.iter().map(|(from, _)| *from).chain([end]);
    let stretches: Vec<(u64, u64)> = starts.zip(ends).collect();
    let needed = |length: u64| stretches.iter().map(|(from, to)| (to - from).div_ceil(length).max(1)).sum::<u64>();
    // Each stretch is rounded up to a whole bin, so each pause can add a bin.
    let enough = |length: &u64| needed(*length) <= BINS + pauses.len() as u64;
    let length = LENGTHS.into_iter().find(enough).unwrap_or_else(|| (end / BINS).div_ceil(DAY).max(1) * DAY);
    let mut bins: Vec<Bin> = Vec::new();
    let mut rest = visits.iter().peekable();
    for (number, (from, to)) in stretches.into_iter().enumerate() {
        for step in 0..(to - from).div_ceil(length).max(1) {
            let at = from + step * length;
            let pause = pauses[..number].last().filter(|_| step == 0).map(|(from, to)| to - from);
            let mut bin =
                Bin { at: Duration::from_millis(at), pause: pause.map(Duration::from_millis), ..Bin::default() };
            while let Some(visit) = rest.next_if(|visit| visit.start < (at + length).min(to)) {
                bin.tally.add(visit.record.outcome);
                bin.throttled += visit.record.throttled as usize;
            }
            bins.push(bin);
        }
    }
    (length, bins)
}

fn waves(visits: &[TimedVisit<'_>], pauses: &[(u64, u64)], mode: Mode) -> Vec<WaveSummary> {
    let mut by_wave: BTreeMap<Option<u32>, Vec<&TimedVisit<'_>>> = BTreeMap::new();
    for visit in visits {
        by_wave.entry(visit.record.wave.filter(|_| mode == Mode::Apply)).or_default().push(visit);
    }
    let line = |(number, visits): (Option<u32>, Vec<&TimedVisit<'_>>)| {
        let start = visits.first().map_or(0, |visit| visit.start);
        let end = visits.iter().map(|visit| visit.end).max().unwrap_or(start);
        let inside = pauses.iter().filter(|(from, to)| *from >= start && *to <= end);
        let idle: u64 = inside.map(|(from, to)| to - from).sum();
        let mut durations: Vec<u64> = visits.iter().map(|visit| visit.end - visit.start).collect();
        durations.sort_unstable();
        WaveSummary {
            number,
            tally: visits.iter().map(|visit| visit.record.outcome).collect(),
            throttled: visits.iter().map(|visit| visit.record.throttled as usize).sum(),
            at: Duration::from_millis(start),
            elapsed: Duration::from_millis(end - start),
            busy: Duration::from_millis(end - start - idle),
            median: Duration::from_millis(durations[(durations.len() - 1) / 2]),
            longest: Duration::from_millis(durations.last().copied().unwrap_or(0)),
        }
    };
    by_wave.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::org::TokenVersion;
    use crate::rollout::Outcome;

    /// Visits, each as its start and its duration in milliseconds, its wave, and its throttles.
    fn records(of: &[(u64, u64, u32, u32)]) -> Vec<Record> {
        let make = |(number, (start, duration, wave, throttled)): (usize, &(u64, u64, u32, u32))| Record {
            outcome: if number == 0 { Outcome::Failed } else { Outcome::Changed },
            wave: Some(*wave),
            throttled: *throttled,
            started_at: Some((SystemTime::UNIX_EPOCH + Duration::from_millis(1_000_000 + start)).into()),
            duration: Some((*duration).into()),
            ..Record::blank(format!("{number:012}").parse().unwrap(), TokenVersion::V2Token)
        };
        of.iter().enumerate().map(make).collect()
    }

    fn total(timeline: &Timeline) -> (usize, usize) {
        let visits = timeline.bins.iter().map(|bin| bin.tally.total()).sum();
        (visits, timeline.bins.iter().map(|bin| bin.throttled).sum())
    }

    #[test]
    fn a_run_without_visits_has_no_timeline() {
        assert_eq!(Timeline::of(&[], Mode::Apply), None);
        assert_eq!(
            Timeline::of(&[Record::blank("000000000001".parse().unwrap(), TokenVersion::V2Token)], Mode::Apply),
            None
        );
    }

    #[test]
    fn every_visit_and_every_throttle_is_in_one_bin() {
        let even: Vec<_> = (0..5_000).map(|number| (number * 20, 300, 1, u32::from(number % 50 == 0))).collect();
        let timeline = Timeline::of(&records(&even), Mode::Apply).unwrap();
        assert_eq!(total(&timeline), (5_000, 100));
        assert_eq!((timeline.bin_length, timeline.bins.len()), (Duration::from_secs(1), 100));
        assert_eq!(timeline.bins[99].at, Duration::from_secs(99));
        assert!(timeline.bins.iter().all(|bin| bin.tally.total() == 50 && bin.pause.is_none()));
    }

    #[test]
    fn long_pauses_are_cut_out() {
        let day = 86_400_000;
        let timeline = Timeline::of(
            &records(&[
                (0, 400, 1, 2),
                (10_000, 500, 2, 0),
                (10_100, 700, 2, 0),
                (day, 300, 3, 0),
                (day + 250, 300, 3, 1),
            ]),
            Mode::Apply,
        )
        .unwrap();
        assert_eq!(total(&timeline), (5, 3));
        let pauses: Vec<_> = timeline.bins.iter().filter_map(|bin| bin.pause).collect();
        assert_eq!(pauses, [Duration::from_millis(9_600), Duration::from_millis(day - 10_800)]);
        assert!(timeline.bins.len() < 40, "{}", timeline.bins.len());
        let waves: Vec<_> =
            timeline.waves.iter().map(|wave| (wave.number, wave.tally.total(), wave.throttled)).collect();
        assert_eq!(waves, [(Some(1), 1, 2), (Some(2), 2, 0), (Some(3), 2, 1)]);
        assert_eq!(timeline.waves[1].elapsed, Duration::from_millis(800));
        assert_eq!((timeline.waves[1].median, timeline.waves[1].longest), {
            (Duration::from_millis(500), Duration::from_millis(700))
        });
        assert!((timeline.waves[1].visits_per_second() - 2.5).abs() < 1e-9);

        // This wave was interrupted, and resumed the next day.
        let timeline = Timeline::of(&records(&[(0, 400, 1, 0), (day, 600, 1, 0)]), Mode::Apply).unwrap();
        assert_eq!(timeline.waves[0].elapsed, Duration::from_millis(day + 600));
        assert!((timeline.waves[0].visits_per_second() - 2.0).abs() < 1e-9, "{:?}", timeline.waves);
    }

    #[test]
    fn the_number_of_bins_is_limited() {
        for minutes in [1, 60, 60 * 24, 60 * 24 * 400] {
            let even: Vec<_> = (0..1_000).map(|number| (number * minutes * 60, minutes * 60, 1, 0)).collect();
            let timeline = Timeline::of(&records(&even), Mode::Apply).unwrap();
            assert!(timeline.bins.len() <= 133, "{minutes} minutes: {}", timeline.bins.len());
            assert_eq!(total(&timeline).0, 1_000);
        }
    }
}
