//! The chart of the timeline: the positions of its parts, in units of the SVG. Colours are also written as attributes, because
//! some servers that show the page forbid its style sheet.

use std::time::Duration;

use crate::humanize::{count, duration, thousands};
use crate::report::timeline::{Bin, LENGTHS, Timeline};
use crate::rollout::{Outcome, Tally};
use crate::timestamp::milliseconds;

/// The left edge of the plot. The page's template repeats this number and those of the next three constants.
const LEFT: f64 = 52.0;
/// The right edge of the plot.
const RIGHT: f64 = 952.0;
/// The top of the plot.
const TOP: f64 = 30.0;
/// The bottom of the plot.
const BOTTOM: f64 = 146.0;
/// The top of the bars for throttled calls.
const THROTTLES_TOP: f64 = 170.0;
/// The height of the highest bar for throttled calls.
const THROTTLES_HEIGHT: f64 = 28.0;
/// The width of a pause in the chart, as a multiple of the width of a bin.
const PAUSE: usize = 3;
/// The maximum number of ticks on the axis.
const TICKS: usize = 12;

/// The chart.
#[derive(Debug)]
pub(super) struct Chart {
    /// The length of a bin.
    pub(super) bin_length: String,
    /// A description for screen readers.
    pub(super) label: String,
    pub(super) height: u32,
    pub(super) bands: Vec<Mark>,
    pub(super) grid: Vec<Mark>,
    pub(super) columns: Vec<ChartColumn>,
    pub(super) column_width: f64,
    pub(super) pauses: Vec<Mark>,
    /// The height of the line at `--rate`; `None` if the line is not drawn.
    pub(super) limit: Option<f64>,
    pub(super) ticks: Vec<Mark>,
    pub(super) throttled: usize,
}

/// A position with a text.
#[derive(Debug, Default)]
pub(super) struct Mark {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) text: String,
}

/// The stacked bars of one bin.
#[derive(Debug)]
pub(super) struct ChartColumn {
    pub(super) x: f64,
    pub(super) title: String,
    pub(super) bars: Vec<ChartBar>,
}

#[derive(Debug)]
pub(super) struct ChartBar {
    pub(super) class: &'static str,
    pub(super) colour: &'static str,
    pub(super) y: f64,
    pub(super) height: f64,
}

/// Returns the colour of an outcome for a page without its style sheet.
pub(super) const fn colour(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Changed => "#2e7d4f",
        Outcome::Unchanged => "#8fbfa3",
        Outcome::WouldChange => "#2f6fb5",
        Outcome::Unverified => "#c98a00",
        Outcome::Failed => "#b3261e",
        Outcome::Skipped => "#c4cbd1",
        Outcome::NotAttempted => "#7b8792",
    }
}

/// Converts a number for drawing. Numbers beyond four billion are drawn too small.
pub(super) fn to_f64(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

impl Chart {
    /// Draws the timeline of a run with this `--rate` in visits per second, 0 for unlimited.
    pub(super) fn of(timeline: &Timeline, rate: u32) -> Self {
        let bins = &timeline.bins;
        let pauses = bins.iter().filter(|bin| bin.pause.is_some()).count();
        let slot = (RIGHT - LEFT) / to_f64(bins.len() + pauses * PAUSE).max(1.0);
        let highest = bins.iter().map(|bin| bin.tally.total()).max().unwrap_or(0);
        let limit = f64::from(rate) * timeline.bin_length.as_secs_f64();
        let limited = rate > 0 && limit <= to_f64(highest) * 1.5;
        let top = if limited { limit.max(to_f64(highest)) } else { to_f64(highest) }.max(1.0);
        let throttled = bins.iter().map(|bin| bin.throttled).sum();
        let most_throttled = bins.iter().map(|bin| bin.throttled).max().unwrap_or(0);
        let mut x = LEFT;
        let column = |bin: &Bin| {
            x += if bin.pause.is_some() { slot * to_f64(PAUSE) } else { 0.0 };
            let start = x;
            x += slot;
            ChartColumn { x: start, title: title(bin), bars: bars(bin, top, most_throttled) }
        };
        let columns: Vec<ChartColumn> = bins.iter().map(column).collect();
        Self {
            bin_length: duration(timeline.bin_length),
            label: label(timeline, throttled),
            height: if throttled > 0 { 204 } else { 172 },
            bands: bands(timeline, &columns, slot),
            grid: grid(top, timeline.bin_length),
            pauses: pauses_of(bins, &columns, slot),
            limit: limited.then(|| height_at(limit, top)),
            ticks: ticks(timeline, &columns),
            columns,
            column_width: (slot - 0.75).max(0.5),
            throttled,
        }
    }
}

fn height_at(count: f64, top: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * count / top
}

/// Returns the bars of the outcomes from the bottom up, and the bar of the throttled calls below the axis.
fn bars(bin: &Bin, top: f64, most_throttled: usize) -> Vec<ChartBar> {
    let mut below = 0;
    let mut bars: Vec<ChartBar> = Vec::new();
    for (outcome, count) in bin.tally.iter().filter(|(_, count)| *count > 0) {
        let (low, high) = (height_at(to_f64(below), top), height_at(to_f64(below + count), top));
        below += count;
        let (class, colour) = (outcome.as_str(), colour(outcome));
        bars.push(ChartBar { class, colour, y: high, height: low - high });
    }
    if bin.throttled > 0 {
        let height = (THROTTLES_HEIGHT * to_f64(bin.throttled) / to_f64(most_throttled)).max(1.0);
        let y = THROTTLES_TOP + THROTTLES_HEIGHT - height;
        bars.push(ChartBar { class: "throttled", colour: "#9a5fb4", y, height });
    }
    bars
}

fn title(bin: &Bin) -> String {
    let visits = count(bin.tally.total(), "visit", "visits");
    let errors = bin.tally.errors();
    let mut title = format!("after {}: {visits}", duration(bin.at));
    if errors > 0 {
        title.push_str(&format!(", {} failed or unverified", thousands(errors)));
    }
    if bin.throttled > 0 {
        title.push_str(&format!(", {} throttled", count(bin.throttled, "call", "calls")));
    }
    title
}

fn label(timeline: &Timeline, throttled: usize) -> String {
    let mut tally = Tally::default();
    timeline.bins.iter().for_each(|bin| tally.include(&bin.tally));
    let throttled = count(throttled, "call", "calls");
    let visits = count(tally.total(), "visit", "visits");
    format!(
        "{visits} over time, {} of them failed or unverified; {throttled} throttled. The table below has the numbers.",
        thousands(tally.errors())
    )
}

/// Returns a line above the bins of each wave. Waves that started in the same bin share a line.
fn bands(timeline: &Timeline, columns: &[ChartColumn], slot: f64) -> Vec<Mark> {
    let bin_at = |time: Duration| timeline.bins.iter().rposition(|bin| bin.at <= time).unwrap_or(0);
    // For each band: its first and last wave, and the indexes of its first and last bin.
    let mut bands: Vec<(u32, u32, usize, usize)> = Vec::new();
    for wave in &timeline.waves {
        let Some(number) = wave.number else { continue };
        let (from, to) = (bin_at(wave.at), bin_at(wave.at + wave.elapsed));
        match bands.last_mut() {
            Some(band) if band.2 == from => (band.1, band.3) = (number, band.3.max(to)),
            last => {
                // The last visits of a wave can end in a bin in which the next wave has already started.
                if let Some(band) = last {
                    band.3 = band.3.min(from.saturating_sub(1)).max(band.2);
                }
                bands.push((number, number, from, to));
            }
        }
    }
    let mark = |(first, last, from, to): (u32, u32, usize, usize)| {
        let width = columns[to].x + slot - columns[from].x - 1.5;
        let (noun, numbers) =
            if first == last { ("wave", first.to_string()) } else { ("waves", format!("{first}–{last}")) };
        let text = if width > 60.0 { format!("{noun} {numbers}") } else { numbers };
        Mark { x: columns[from].x, width: width.max(1.0), text, ..Mark::default() }
    };
    bands.into_iter().map(mark).collect()
}

/// Returns grid lines at the bottom, the middle and the top, in visits per second.
fn grid(top: f64, length: Duration) -> Vec<Mark> {
    let line = |share: f64| {
        let (y, per_second) = (height_at(top * share, top), top * share / length.as_secs_f64());
        let decimals = usize::from(per_second < 10.0);
        let text = if share == 0.0 { "0".to_owned() } else { format!("{per_second:.decimals$}/s") };
        Mark { y, text, ..Mark::default() }
    };
    [0.0, 0.5, 1.0].map(line).into()
}

fn pauses_of(bins: &[Bin], columns: &[ChartColumn], slot: f64) -> Vec<Mark> {
    let cut = |(bin, column): (&Bin, &ChartColumn)| {
        let width = slot * to_f64(PAUSE);
        let text = format!("{} without visits", duration(bin.pause?));
        Some(Mark { x: column.x - width, width: width - 0.75, text, ..Mark::default() })
    };
    bins.iter().zip(columns).filter_map(cut).collect()
}

fn ticks(timeline: &Timeline, columns: &[ChartColumn]) -> Vec<Mark> {
    let bins = &timeline.bins;
    // The times at the ticks are round, unless a pause precedes them.
    let is_round = |every: &u32| LENGTHS.contains(&milliseconds(timeline.bin_length.saturating_mul(*every)));
    let enough = |every: &u32| bins.len() <= TICKS * *every as usize;
    let every = (1..=60).find(|every| is_round(every) && enough(every)).map_or(bins.len(), |every| every as usize);
    let marks = bins.iter().zip(columns).step_by(every);
    marks.map(|(bin, column)| Mark { x: column.x, text: duration(bin.at), ..Mark::default() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(changed: usize, failed: usize, throttled: usize, pause: Option<u64>) -> Bin {
        let outcomes = [(Outcome::Changed, changed), (Outcome::Failed, failed)];
        let tally = outcomes.into_iter().flat_map(|(outcome, count)| std::iter::repeat_n(outcome, count)).collect();
        Bin { tally, throttled, pause: pause.map(Duration::from_secs), ..Bin::default() }
    }

    #[test]
    fn bars_are_stacked_and_the_highest_fills_the_plot() {
        let full = bars(&column(3, 1, 5, None), 4.0, 10);
        let edges: Vec<(f64, f64)> = full.iter().map(|bar| (bar.y, bar.height)).collect();
        assert_eq!(edges, [(59.0, 87.0), (30.0, 29.0), (184.0, 14.0)]);
        assert_eq!(full.iter().map(|bar| bar.class).collect::<Vec<_>>(), ["changed", "failed", "throttled"]);
        assert!(bars(&column(0, 0, 0, None), 4.0, 0).is_empty());
    }

    #[test]
    fn pauses_take_space_and_nothing_is_drawn_outside() {
        let bins: Vec<Bin> = (0..60).map(|at| column(at, 1, at, (at == 30).then_some(9))).collect();
        let length = Duration::from_secs(1);
        let timeline = Timeline { bin_length: length, bins, waves: Vec::new() };
        for (rate, limited) in [(0, false), (50, true), (60, true), (5_000, false)] {
            let chart = Chart::of(&timeline, rate);
            assert_eq!(chart.limit.is_some(), limited, "--rate {rate}");
            assert_eq!(chart.pauses.len(), 1);
            let x: Vec<f64> = chart.columns.iter().map(|column| column.x).collect();
            assert!(x.is_sorted() && x[0] >= LEFT && x[59] < RIGHT, "{x:?}");
            assert!(x[30] - x[29] > 3.0 * (x[29] - x[28]), "{x:?}");
            for bar in chart.columns.iter().flat_map(|column| &column.bars) {
                assert!(bar.y >= TOP - 0.1 && bar.y + bar.height <= f64::from(chart.height), "{bar:?}");
            }
        }
    }

    #[test]
    fn waves_that_begin_within_one_bin_share_a_line() {
        use crate::report::timeline::WaveSummary;
        let second = Duration::from_secs(1);
        let column = |at| Bin { at: second * at, ..Bin::default() };
        let wave = |number, at: u32, lasted: u32| WaveSummary {
            number: Some(number),
            at: Duration::from_millis(at.into()),
            elapsed: Duration::from_millis(lasted.into()),
            ..WaveSummary::default()
        };
        let waves = vec![wave(1, 0, 300), wave(2, 400, 2_700), wave(3, 3_050, 6_000)];
        let bins: Vec<Bin> = (0..10).map(column).collect();
        let timeline = Timeline { bin_length: second, bins, waves };
        let chart = Chart::of(&timeline, 0);
        let drawn: Vec<_> = chart.bands.iter().map(|band| (band.x, band.width, band.text.as_str())).collect();
        assert_eq!(drawn, [(52.0, 268.5, "waves 1–2"), (322.0, 628.5, "wave 3")]);
        assert_eq!(chart.ticks.len(), 10);
    }
}
