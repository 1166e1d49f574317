//! This module owns the picture of the timeline: where in it everything is drawn, in units of the SVG.
//!
//! Colours are given as attributes too, because a host may forbid the page's own style sheet.

use std::time::Duration;

use crate::report::timeline::{Column, LENGTHS, Timeline};
use crate::report::words::{counted, grouped, took};
use crate::rollout::{Outcome, Tally};
use crate::timestamp::milliseconds;

/// The left edge of the plot. These four stand in the template too.
const LEFT: f64 = 52.0;
/// The right edge of the plot.
const RIGHT: f64 = 952.0;
/// The top of the plot.
const TOP: f64 = 30.0;
/// The bottom of the plot.
const BOTTOM: f64 = 146.0;
/// Where the bars of the throttles stand.
const THROTTLES_TOP: f64 = 170.0;
/// How high the highest of them is.
const THROTTLES_HEIGHT: f64 = 28.0;
/// How many columns' room a pause has.
const PAUSE: usize = 3;
/// How many ticks the axis has at most.
const TICKS: usize = 12;

/// The picture.
#[derive(Debug)]
pub(super) struct Chart {
    /// How long a column is, in words.
    pub(super) length: String,
    /// What else the reader should know.
    pub(super) remark: String,
    /// What the picture shows, for those who can't see it.
    pub(super) label: String,
    pub(super) height: u32,
    pub(super) bands: Vec<Mark>,
    pub(super) grid: Vec<Mark>,
    pub(super) columns: Vec<Stack>,
    pub(super) pauses: Vec<Mark>,
    pub(super) limit: Option<Mark>,
    pub(super) ticks: Vec<Mark>,
    pub(super) throttled: u64,
}

/// Something with a text.
#[derive(Debug, Default)]
pub(super) struct Mark {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) text_y: String,
    pub(super) width: String,
    pub(super) text: String,
}

/// The bars of one column.
#[derive(Debug)]
pub(super) struct Stack {
    pub(super) x: String,
    pub(super) width: String,
    pub(super) title: String,
    pub(super) bars: Vec<Bar>,
}

#[derive(Debug)]
pub(super) struct Bar {
    pub(super) class: &'static str,
    pub(super) colour: &'static str,
    pub(super) y: String,
    pub(super) height: String,
}

/// The colour of an outcome where there is no style sheet.
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

/// The number for drawing. More than four billion of anything would be drawn wrong.
pub(super) fn real(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

impl Chart {
    /// Draws the timeline of a run with this `--rate` in visits per second, 0 for unlimited.
    pub(super) fn of(timeline: &Timeline, rate: u32) -> Self {
        let columns = &timeline.columns;
        let pauses = columns.iter().filter(|column| column.pause.is_some()).count();
        let slot = (RIGHT - LEFT) / real(columns.len() + pauses * PAUSE).max(1.0);
        let places = places(columns, slot);
        let highest = columns.iter().map(|column| column.tally.total()).max().unwrap_or(0);
        let limit = f64::from(rate) * timeline.length.as_secs_f64();
        let limited = rate > 0 && limit <= real(highest) * 1.5;
        let top = if limited { limit.max(real(highest)) } else { real(highest) }.max(1.0);
        let throttled = columns.iter().map(|column| column.throttled).sum();
        let most_throttled = columns.iter().map(|column| column.throttled).max().unwrap_or(0);
        let stack = |(column, x): (&Column, &f64)| Stack {
            x: one(*x),
            width: one((slot - 0.75).max(0.5)),
            title: title(column),
            bars: bars(column, top, most_throttled),
        };
        let remark = if pauses == 0 { "" } else { "Times without any visit are cut out, where a grey field is." };
        Self {
            length: took(timeline.length),
            remark: remark.to_owned(),
            label: label(timeline, throttled),
            height: if throttled > 0 { 204 } else { 172 },
            bands: bands(timeline, &places, slot),
            grid: grid(top, timeline.length),
            columns: columns.iter().zip(&places).map(stack).collect(),
            pauses: cuts(columns, &places, slot),
            limit: limited.then(|| Mark {
                y: one(height_at(limit, top)),
                text_y: one(height_at(limit, top) - 4.0),
                text: format!("--rate {rate}"),
                ..Mark::default()
            }),
            ticks: ticks(timeline, &places),
            throttled,
        }
    }
}

/// The left edge of each column.
fn places(columns: &[Column], slot: f64) -> Vec<f64> {
    let mut x = LEFT;
    let place = |column: &Column| {
        x += if column.pause.is_some() { slot * real(PAUSE) } else { 0.0 };
        let place = x;
        x += slot;
        place
    };
    columns.iter().map(place).collect()
}

fn height_at(count: f64, top: f64) -> f64 {
    BOTTOM - (BOTTOM - TOP) * count / top
}

/// The outcomes from the bottom up, and what was throttled on a line of its own.
fn bars(column: &Column, top: f64, most_throttled: u64) -> Vec<Bar> {
    let mut below = 0;
    let mut bars: Vec<Bar> = Vec::new();
    for (outcome, count) in column.tally.iter().filter(|(_, count)| *count > 0) {
        let (low, high) = (height_at(real(below), top), height_at(real(below + count), top));
        below += count;
        let (class, colour) = (outcome.as_str(), colour(outcome));
        bars.push(Bar { class, colour, y: one(high), height: one(low - high) });
    }
    if column.throttled > 0 {
        let share = real(usize::try_from(column.throttled).unwrap_or(usize::MAX))
            / real(usize::try_from(most_throttled).unwrap_or(usize::MAX));
        let height = (THROTTLES_HEIGHT * share).max(1.0);
        let y = THROTTLES_TOP + THROTTLES_HEIGHT - height;
        bars.push(Bar { class: "throttled", colour: "#9a5fb4", y: one(y), height: one(height) });
    }
    bars
}

fn title(column: &Column) -> String {
    let visits = counted(column.tally.total(), "visit", "visits");
    let errors = column.tally.errors();
    let mut title = format!("after {}: {visits}", took(column.at));
    if errors > 0 {
        title.push_str(&format!(", {} failed or unverified", grouped(errors)));
    }
    if column.throttled > 0 {
        let throttled = usize::try_from(column.throttled).unwrap_or(usize::MAX);
        title.push_str(&format!(", {} throttled", counted(throttled, "call", "calls")));
    }
    title
}

fn label(timeline: &Timeline, throttled: u64) -> String {
    let mut tally = Tally::default();
    timeline.columns.iter().for_each(|column| tally.include(&column.tally));
    let throttled = counted(usize::try_from(throttled).unwrap_or(usize::MAX), "call", "calls");
    let visits = counted(tally.total(), "visit", "visits");
    format!(
        "{visits} over time, {} of them failed or unverified; {throttled} throttled. The table below has the numbers.",
        grouped(tally.errors())
    )
}

/// A line on top of the columns of each wave. Waves that began within one column share a line.
fn bands(timeline: &Timeline, places: &[f64], slot: f64) -> Vec<Mark> {
    let column_at = |time: Duration| timeline.columns.iter().rposition(|column| column.at <= time).unwrap_or(0);
    // First and last wave, first and last column.
    let mut bands: Vec<(u32, u32, usize, usize)> = Vec::new();
    for wave in &timeline.waves {
        let Some(number) = wave.number else { continue };
        let (from, to) = (column_at(wave.at), column_at(wave.at + wave.lasted));
        match bands.last_mut() {
            Some(band) if band.2 == from => (band.1, band.3) = (number, band.3.max(to)),
            last => {
                // The last visits of a wave end where the next has begun already, as far as columns tell.
                if let Some(band) = last {
                    band.3 = band.3.min(from.saturating_sub(1)).max(band.2);
                }
                bands.push((number, number, from, to));
            }
        }
    }
    let mark = |(first, last, from, to): (u32, u32, usize, usize)| {
        let width = places[to] + slot - places[from] - 1.5;
        let (noun, numbers) =
            if first == last { ("wave", first.to_string()) } else { ("waves", format!("{first}–{last}")) };
        let text = if width > 60.0 { format!("{noun} {numbers}") } else { numbers };
        Mark { x: one(places[from]), width: one(width.max(1.0)), text, ..Mark::default() }
    };
    bands.into_iter().map(mark).collect()
}

/// Lines at the top and at the half, in visits per second.
fn grid(top: f64, length: Duration) -> Vec<Mark> {
    let line = |share: f64| {
        let (y, per_second) = (height_at(top * share, top), top * share / length.as_secs_f64());
        let text = if share == 0.0 {
            "0".to_owned()
        } else if per_second >= 10.0 {
            format!("{per_second:.0}/s")
        } else {
            format!("{per_second:.1}/s")
        };
        Mark { y: one(y), text_y: one(y + 4.0), text, ..Mark::default() }
    };
    [0.0, 0.5, 1.0].map(line).into()
}

fn cuts(columns: &[Column], places: &[f64], slot: f64) -> Vec<Mark> {
    let cut = |(column, x): (&Column, &f64)| {
        let width = slot * real(PAUSE);
        let text = format!("{} without a visit", took(column.pause?));
        Some(Mark { x: one(x - width), width: one(width - 0.75), text, ..Mark::default() })
    };
    columns.iter().zip(places).filter_map(cut).collect()
}

fn ticks(timeline: &Timeline, places: &[f64]) -> Vec<Mark> {
    let columns = &timeline.columns;
    // The times at the ticks should be round, as far as no pause comes between.
    let is_round = |every: &u32| LENGTHS.contains(&milliseconds(timeline.length.saturating_mul(*every)));
    let enough = |every: &u32| columns.len() <= TICKS * *every as usize;
    let every = (1..=60).find(|every| is_round(every) && enough(every)).map_or(columns.len(), |every| every as usize);
    let marks = columns.iter().zip(places).step_by(every);
    marks.map(|(column, x)| Mark { x: one(*x), text: took(column.at), ..Mark::default() }).collect()
}

/// The number with one digit behind the point, which is enough for a picture.
fn one(number: f64) -> String {
    format!("{number:.1}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(changed: usize, failed: usize, throttled: u64, pause: Option<u64>) -> Column {
        let outcomes = [(Outcome::Changed, changed), (Outcome::Failed, failed)];
        let tally = outcomes.into_iter().flat_map(|(outcome, count)| std::iter::repeat_n(outcome, count)).collect();
        Column { tally, throttled, pause: pause.map(Duration::from_secs), ..Column::default() }
    }

    #[test]
    fn bars_stand_on_each_other_and_the_highest_fills_the_plot() {
        let full = bars(&column(3, 1, 5, None), 4.0, 10);
        let edges: Vec<(f64, f64)> =
            full.iter().map(|bar| (bar.y.parse().unwrap(), bar.height.parse().unwrap())).collect();
        assert_eq!(edges, [(59.0, 87.0), (30.0, 29.0), (184.0, 14.0)]);
        assert_eq!(full.iter().map(|bar| bar.class).collect::<Vec<_>>(), ["changed", "failed", "throttled"]);
        assert!(bars(&column(0, 0, 0, None), 4.0, 0).is_empty());
    }

    #[test]
    fn a_pause_takes_room_and_nothing_is_drawn_outside() {
        let columns: Vec<Column> = (0..60).map(|at| column(at, 1, at as u64, (at == 30).then_some(9))).collect();
        let start = std::time::SystemTime::UNIX_EPOCH;
        let length = Duration::from_secs(1);
        let timeline = Timeline { start, length, columns, waves: Vec::new() };
        for (rate, limited) in [(0, false), (50, true), (60, true), (5_000, false)] {
            let chart = Chart::of(&timeline, rate);
            assert_eq!(chart.limit.is_some(), limited, "--rate {rate}");
            assert_eq!(chart.pauses.len(), 1);
            let x: Vec<f64> = chart.columns.iter().map(|stack| stack.x.parse().unwrap()).collect();
            assert!(x.is_sorted() && x[0] >= LEFT && x[59] < RIGHT, "{x:?}");
            assert!(x[30] - x[29] > 3.0 * (x[29] - x[28]), "{x:?}");
            for bar in chart.columns.iter().flat_map(|stack| &stack.bars) {
                let (y, height): (f64, f64) = (bar.y.parse().unwrap(), bar.height.parse().unwrap());
                assert!(y >= TOP - 0.1 && y + height <= f64::from(chart.height), "{bar:?}");
            }
        }
    }

    #[test]
    fn waves_that_begin_within_one_column_share_a_line() {
        use crate::report::timeline::WaveLine;
        let second = Duration::from_secs(1);
        let column = |at| Column { at: second * at, ..Column::default() };
        let wave = |number, at: u32, lasted: u32| WaveLine {
            number: Some(number),
            at: Duration::from_millis(at.into()),
            lasted: Duration::from_millis(lasted.into()),
            ..WaveLine::default()
        };
        let waves = vec![wave(1, 0, 300), wave(2, 400, 2_700), wave(3, 3_050, 6_000)];
        let columns: Vec<Column> = (0..10).map(column).collect();
        let timeline = Timeline { start: std::time::SystemTime::UNIX_EPOCH, length: second, columns, waves };
        let chart = Chart::of(&timeline, 0);
        let drawn: Vec<_> =
            chart.bands.iter().map(|band| (band.x.as_str(), band.width.as_str(), band.text.as_str())).collect();
        assert_eq!(drawn, [("52.0", "268.5", "waves 1–2"), ("322.0", "628.5", "wave 3")]);
        assert_eq!(chart.ticks.len(), 10);
    }
}
