//! The HTML report in a browser: it shows the report, makes no request, and treats every name as text.

mod large;
mod readers;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use v2token::Outcome;
use v2token::internals::{for_cell, for_terminal};
use v2token_simulator::{AccountState, Builder, HOSTILE_NAMES, Organization, PerCall, TokenVersion};

use crate::browser::Browser;
use crate::harness::{Bench, Run, accounts_with};

const APPLY: [&str; 4] = ["apply", "--yes", "--rate=0", "--max-errors=100%"];

/// Names that would have an effect if they were more than text, in addition to those of the simulator.
const MARKING: [&str; 5] = [
    "</script><script>marked=1</script>",
    "<img src=x onerror=marked=1>",
    "<!--<script>",
    "\"onfocus=marked=1 autofocus x=\"",
    "' &lt;b&gt; {{ title }} ]]>",
];

/// The sort key of rows: a number, or a text in UTF-16, as in JavaScript.
type SortKey = (i64, Vec<u16>);

/// A column and its sort key.
type Order<'a> = (&'a str, &'a dyn Fn(&str) -> SortKey);

/// The text that the page shows in place of misleading characters.
fn shown(name: &str) -> String {
    for_terminal(name).into_owned()
}

/// A hundred and fifty accounts of a realistic Organization, with hostile names.
fn organization() -> Builder {
    let mut builder = Organization::builder().accounts(150).unlimited().realistic(true).hostile_names(true);
    for (number, name) in MARKING.into_iter().enumerate() {
        builder = builder.account(HOSTILE_NAMES.len() + 1 + number, move |account| name.clone_into(&mut account.name));
    }
    let denied = builder.account(30, |account| {
        account.state = AccountState::Active;
        account.faults.deny_set = true;
        MARKING[0].clone_into(&mut account.name);
    });
    denied.account(31, |account| {
        account.state = AccountState::Active;
        account.faults.throttle = PerCall::assume(3);
    })
}

fn apply(bench: &Bench) -> Run {
    bench.run("run", &APPLY).exits(3).agrees(TokenVersion::V2)
}

/// The ids in the drawn rows of the table, in their order.
pub(crate) const DRAWN: &str =
    "[...document.querySelectorAll('#rows tbody tr:not(.gap) th')].map(cell => cell.textContent)";
/// The number of accounts in the table, drawn or not.
const ROWS: &str = "+document.getElementById('rows').getAttribute('aria-rowcount') - 1";

pub(crate) fn list(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(|one| one.as_str().expect("a text").to_owned()).collect()
}

/// Fails if the page made a request or logged an error.
pub(crate) fn was_quiet(browser: &mut Browser) {
    assert_eq!(browser.requests(), Vec::<String>::new());
    assert_eq!(browser.complaints(), Vec::<String>::new());
    assert_eq!(browser.value("typeof marked"), "undefined", "a name was run");
}

/// Sets a filter as a user does.
pub(crate) fn filter(browser: &mut Browser, field: &str, value: &str, rows: usize) {
    browser.value(&format!(
        "{{ const field = document.getElementById('{field}'); field.value = {value:?};
            field.dispatchEvent(new Event('input', {{ bubbles: true }})); }}"
    ));
    browser.wait_for(&format!(
        "({ROWS}) === {rows} && document.getElementById('status').textContent.startsWith('{rows} of ')"
    ));
}

#[test]
fn the_page_shows_the_report() {
    let Some(mut browser) = Browser::start() else { return };
    let bench = Bench::new(organization().start());
    let run = apply(&bench);
    let rows = run.rows();
    browser.open_file(&run.folder.join("report.html"));

    let heading = browser.value("document.querySelector('h1').textContent");
    let run_json: Value = serde_json::from_str(&std::fs::read_to_string(run.folder.join("run.json")).unwrap()).unwrap();
    assert_eq!(heading, run_json["verdict"]["sentence"]);
    assert_eq!(browser.value("document.getElementById('not-ended') === null"), true);
    let counts = browser.value(
        "Object.fromEntries([...document.querySelectorAll('[data-outcome]')].map(row => [row.dataset.outcome, +row.cells[1].textContent]))",
    );
    assert_eq!(serde_json::from_value::<BTreeMap<String, usize>>(counts).unwrap(), run.outcomes());
    assert_eq!(browser.value("document.querySelectorAll('svg.bar rect').length"), run.outcomes().len());
    assert_eq!(browser.value(ROWS), 150);

    // Every column of every account, from the page's data.
    let data = browser.value(
        "rows.map(row => [row[ID], row[NAME], row[EMAIL], units[row[UNIT]][0], states[row[STATE]], outcomes[row[OUTCOME]],
            readings[row[BEFORE]] ?? '', readings[row[WANTED]] ?? '', readings[row[NOW]] ?? '', causes[row[CAUSE]]?.[1] ?? '',
            causes[row[CAUSE]]?.[2] ?? '', message(row), causes[row[CAUSE]]?.[4] ?? row[NOTE] ?? '', row[REQUEST], `${row[CALLS]}`,
            `${row[WAVE] || ''}`, row[ROLE] < 0 ? '' : roles[row[ROLE]].join(row[ID]), row[TOOK] === null ? '' : `${row[TOOK]}`,
            row[START] === null ? '' : new Date(data.start + row[START]).toISOString()])",
    );
    let columns = [
        "account_id",
        "account_name",
        "account_email",
        "ou_path",
        "account_state",
        "outcome",
        "previous_version",
        "target_version",
        "current_version",
        "stage",
        "error_code",
        "error_message",
        "hint",
        "request_id",
        "attempts",
        "wave",
        "role_arn",
        "duration_ms",
        "started_at",
    ];
    for account in data.as_array().expect("accounts") {
        let account = list(account);
        for (value, column) in account[1..].iter().zip(&columns[1..]) {
            // In CSV, a cell that a spreadsheet would run as a formula starts with a quote.
            assert_eq!(for_cell(value), rows[&account[0]][*column], "{column} of {}", account[0]);
        }
    }
    let throttled: u64 = browser.value("rows.reduce((sum, row) => sum + row[THROTTLED], 0)").as_u64().unwrap();
    assert_eq!(throttled, run.after.fault("throttle"));

    // The charts and tables have every account and every visit once.
    let visits = rows.values().filter(|row| !row["started_at"].is_empty()).count();
    let sum = |browser: &mut Browser, selector: &str, cell: usize| {
        let script = format!(
            "[...document.querySelectorAll('{selector}')].reduce((sum, row) => sum + +row.cells[{cell}].textContent, 0)"
        );
        browser.value(&script)
    };
    assert_eq!(sum(&mut browser, ".waves tbody tr", 1), visits);
    assert_eq!(sum(&mut browser, ".waves tbody tr", 3), throttled);
    assert_eq!(sum(&mut browser, ".units tbody tr:has(.d0)", 1), 150);
    let paths: BTreeSet<&String> = rows.values().map(|row| &row["ou_path"]).collect();
    let titles = list(&browser.value("[...document.querySelectorAll('.units a')].map(link => link.title)"));
    assert!(paths.iter().all(|path| titles.contains(path)), "{titles:?}");
    was_quiet(&mut browser);
}

#[test]
fn the_table_searches_filters_and_sorts() {
    let Some(mut browser) = Browser::start() else { return };
    let bench = Bench::new(organization().start());
    let run = apply(&bench);
    let rows = run.rows();
    browser.open_file(&run.folder.join("report.html"));
    let failed = accounts_with(&rows, "failed");

    // The link of a cause or an outcome shows its accounts.
    browser.value("document.querySelector('a[href=\"#outcome=failed\"]').click()");
    browser.wait_for(&format!("({ROWS}) === {}", failed.len()));
    assert_eq!(list(&browser.value(DRAWN)).into_iter().collect::<BTreeSet<_>>(), failed);
    assert_eq!(browser.value("document.activeElement.id"), "accounts", "the reader is taken to the table");
    let causes = browser.value("document.querySelectorAll('.cause h3 a').length").as_u64().unwrap();
    assert!(causes >= 3, "{causes}");
    let mut seen = BTreeSet::new();
    for cause in 0..causes {
        let count = browser.value(&format!(
            "{{ const link = document.querySelectorAll('.cause h3 a')[{cause}]; link.click(); parseInt(link.textContent) }}"
        ));
        browser.wait_for(&format!(
            "({ROWS}) === {count} && location.hash === document.querySelectorAll('.cause h3 a')[{cause}].hash"
        ));
        seen.extend(list(&browser.value(DRAWN)));
    }
    assert_eq!(seen, failed);

    // Search: every word, in any column, in any case.
    browser.value("document.querySelector('#filters [type=reset]').click()");
    browser.wait_for(&format!("({ROWS}) === 150"));
    browser.value("document.getElementById('find').focus()");
    browser.write("0000000000");
    browser.wait_for(&format!("({ROWS}) === 99"));
    filter(&mut browser, "find", "<SCRIPT>  alert", 1);
    assert_eq!(list(&browser.value(DRAWN)), ["000000000003"]);
    let set_denied = rows.values().filter(|row| row["stage"] == "set").count();
    filter(&mut browser, "find", "iam:setsecurity not authorized", set_denied);
    filter(&mut browser, "find", "nothing has this", 0);
    filter(&mut browser, "find", "", 150);
    let wave = rows.values().filter(|row| row["wave"] == "2").count();
    filter(&mut browser, "wave", "2", wave);
    assert!(browser.value("location.hash").as_str().unwrap().contains("wave=2"), "a filter can be passed on as a link");
    browser.value("document.querySelector('#filters [type=reset]').click()");
    browser.wait_for(&format!("({ROWS}) === 150"));

    // Sorting, by the keyboard.
    let names: BTreeMap<String, String> =
        bench.truth().accounts.iter().map(|account| (account.id.to_string(), shown(&account.name))).collect();
    let by_name = |id: &str| (0, names[id].encode_utf16().collect());
    let place = |outcome: &str| Outcome::ALL.iter().position(|known| known.as_str() == outcome);
    let by_outcome =
        |id: &str| (place(&rows[id]["outcome"]).and_then(|at| i64::try_from(at).ok()).expect("an outcome"), Vec::new());
    let by_time = |id: &str| (rows[id]["duration_ms"].parse().unwrap_or(-1), Vec::new());
    let orders: [Order<'_>; 3] = [("name", &by_name), ("outcome", &by_outcome), ("took", &by_time)];
    for (column, key) in orders {
        for order in ["ascending", "descending"] {
            browser.value(&format!("document.querySelector('#rows thead .c-{column} button').focus()"));
            browser.press("Enter", 13);
            let sorted = format!("document.querySelector('#rows thead .c-{column}').getAttribute('aria-sort')");
            browser.wait_for(&format!("{sorted} === '{order}'"));
            assert_eq!(browser.value("document.querySelectorAll('#rows [aria-sort]').length"), 1);
            let ids = list(&browser.value(DRAWN));
            assert!(ids.len() > 20, "{ids:?}");
            let mut all: Vec<&String> = rows.keys().collect();
            all.sort_by_key(|id| key(id));
            if order == "descending" {
                all.reverse();
            }
            let keys: Vec<_> = ids.iter().map(|id| key(id)).collect();
            let expected: Vec<_> = all[..ids.len()].iter().map(|id| key(id)).collect();
            assert_eq!(keys, expected, "{column}, {order}");
        }
    }

    // One account in full, by the keyboard too.
    filter(&mut browser, "find", "000000000030", 1);
    browser.value("document.querySelector('#rows tbody button').focus()");
    browser.press("Enter", 13);
    browser.wait_for("document.getElementById('detail').open");
    let detail = browser.value("document.getElementById('detail').textContent").as_str().unwrap().to_owned();
    for column in ["error_message", "hint", "request_id", "role_arn", "account_email", "ou_path"] {
        assert!(detail.contains(&rows["000000000030"][column]), "{column} in {detail}");
    }
    assert!(detail.contains(MARKING[0]), "{detail}");
    browser.press("Escape", 27);
    browser.wait_for("!document.getElementById('detail').open");
    was_quiet(&mut browser);
}
