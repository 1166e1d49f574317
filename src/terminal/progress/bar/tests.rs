use std::time::Duration;

use super::*;
use crate::rollout::{Event, StopReason};
use crate::terminal::layout::columns;
use crate::terminal::progress::state::tests::{run, visit};

/// A rollout in its second wave of three.
fn second_wave() -> (DisplayState, Instant) {
    let begun = Instant::now();
    let mut state = run(&[1, 99, 1_800], Duration::from_mins(10), begun);
    state.update(&Event::WaveStarted { wave: 1, waves: 3, accounts: 1 }, begun);
    let now = visit(&mut state, Outcome::Changed, 1, begun, Duration::from_secs(1));
    state.update(&Event::WaveStarted { wave: 2, waves: 3, accounts: 99 }, now);
    let now = visit(&mut state, Outcome::Changed, 60, now, Duration::from_millis(50));
    let now = visit(&mut state, Outcome::Unchanged, 4, now, Duration::from_millis(50));
    let now = visit(&mut state, Outcome::Failed, 2, now, Duration::from_millis(50));
    state.throttles = 3;
    (state, now)
}

fn listing() -> (DisplayState, Instant) {
    let begun = Instant::now();
    let mut state = DisplayState::new(begun);
    state.listing(20, 1, begun);
    state.listing(1_240, 62, begun + Duration::from_secs(8));
    (state, begun + Duration::from_secs(8))
}

fn survey() -> (DisplayState, Instant) {
    let (mut state, now) = listing();
    let now = visit(&mut state, Outcome::WouldChange, 90, now, Duration::from_millis(20));
    (state, now)
}

fn tags() -> (DisplayState, Instant) {
    let begun = Instant::now();
    let mut state = DisplayState::new(begun);
    state.enter(Phase::Tags { read: 120, of: 480 }, begun);
    (state, begun + Duration::from_secs(12))
}

fn waiting() -> (DisplayState, Instant) {
    let (mut state, now) = second_wave();
    let now = visit(&mut state, Outcome::Changed, 33, now, Duration::from_millis(50));
    state.update(&Event::Baking { wait: Duration::from_mins(10), next: 3 }, now);
    (state, now + Duration::from_secs(12))
}

fn stopping() -> (DisplayState, Instant) {
    let (mut state, now) = second_wave();
    state.update(&Event::Stopping { reason: &StopReason::Interrupted, in_flight: 31 }, now);
    (state, now)
}

fn plan() -> (DisplayState, Instant) {
    let begun = Instant::now();
    let mut state = run(&[200], Duration::ZERO, begun);
    let now = visit(&mut state, Outcome::WouldChange, 150, begun, Duration::from_millis(20));
    (state, now)
}

type Case = (fn() -> (DisplayState, Instant), usize, &'static [&'static str]);

const CASES: &[Case] = &[
    (
        second_wave,
        199,
        &[
            "wave 2/3  [================================>                 ]  66/99  67/1900 in all  11m left  5s so far",
            "61 changed  4 unchanged  2 failed  20/s of 50/s  3 throttled  7 in flight",
        ],
    ),
    (
        second_wave,
        79,
        &[
            "wave 2/3  [==============>        ]  66/99  67/1900 in all  11m left  5s so far",
            "61 changed  4 unchanged  2 failed  20/s of 50/s  3 throttled  7 in flight",
        ],
    ),
    (second_wave, 39, &["wave 2/3  [=====>    ]  66/99  11m left", "61 changed  2 failed  20/s of 50/s"]),
    (second_wave, 19, &["2/3  66/99  11m", "2 failed"]),
    (listing, 199, &["listing accounts  1240 so far  62 pages  7.8 pages/s  8s so far"]),
    (listing, 39, &["listing accounts  1240 so far"]),
    (listing, 19, &["listing  1240"]),
    (
        survey,
        79,
        &[
            "listing accounts  1240 so far  62 pages  6.3 pages/s  10s so far",
            "90 would change  50/s of 50/s  7 in flight",
        ],
    ),
    (tags, 79, &["reading tags  [=======>                         ]  120/480 accounts  12s so far"]),
    (tags, 39, &["reading tags  [>    ]  120/480 accounts"]),
    (
        waiting,
        79,
        &[
            "waiting 9m 50s before wave 3  Ctrl-C stops here  11m left",
            "94 changed  4 unchanged  2 failed  3 throttled  7 in flight",
        ],
    ),
    (waiting, 39, &["waiting 9m 50s before wave 3  11m left", "94 changed  2 failed  3 throttled"]),
    (
        stopping,
        79,
        &[
            "wave 2/3  [=====================>           ]  66/99  67/1900 in all  5s so far",
            "stopping, 31 in flight  61 changed  2 failed  20/s of 50/s  3 throttled",
        ],
    ),
    (stopping, 39, &["wave 2/3  [======>    ]  66/99  67/1900", "stopping, 31 in flight  2 failed"]),
    (
        plan,
        79,
        &[
            "[===================================>            ]  150/200  3s left  3s so far",
            "150 would change  50/s of 50/s  7 in flight",
        ],
    ),
];

#[test]
fn narrow_lines_keep_the_most_important_parts() {
    let drawn = CASES.iter().map(|(state, width, expected)| {
        let (state, now) = state();
        (draw(&state, now, *width, false), *width, *expected)
    });
    let wrong: Vec<_> = drawn.filter(|(lines, _, expected)| lines != expected).collect();
    let told = wrong.iter().map(|(lines, width, _)| format!("{width}\n{}\n", lines.join("\n")));
    assert!(wrong.is_empty(), "{}", told.collect::<String>());
}

#[test]
fn every_width_works_and_no_line_is_too_wide() {
    for (state, _, _) in CASES {
        let (state, now) = state();
        for width in 1..220 {
            let lines = draw(&state, now, width, false);
            assert!(lines.iter().all(|line| columns(line) <= width), "{width}: {lines:?}");
            let painted = draw(&state, now, width, true);
            let bare: Vec<_> = painted.iter().map(|line| console::strip_ansi_codes(line)).collect();
            assert_eq!(bare, lines, "colours take no room");
        }
    }
}
