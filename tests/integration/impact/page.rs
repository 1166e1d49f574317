//! The page of an impact, in a browser: its table searches, filters, and shows the principals of an account.

use std::time::{Duration, SystemTime};

use super::Trail;
use super::events::{Event, HOUR};
use crate::browser::Browser;
use crate::page::{DRAWN, filter, list, was_quiet};

#[test]
fn the_page_shows_who_is_affected() {
    let Some(mut browser) = Browser::start() else { return };
    let trail = Trail::new();
    let now = SystemTime::now() - Duration::from_secs(3 * HOUR);
    for account in ["000000000001", "000000000002", "000000000003"] {
        trail.log(account, now, &[Event::global(account, now)]);
    }
    trail.run("run", &["--events", "logs"]);
    browser.open_file(&trail.path("run").join("impact.html"));
    let report = super::holds(&trail.path("run").join("impact.json"));
    assert_eq!(browser.value("document.querySelector('h1').textContent"), report["run"]["verdict"]["sentence"]);
    let counts = browser.value(
        "Object.fromEntries([...document.querySelectorAll('[data-verdict]')].map(row => [row.dataset.verdict, +row.cells[1].textContent]))",
    );
    let occurred = report["summary"].as_object().expect("counts").iter().filter(|(_, count)| **count != 0);
    let occurred: serde_json::Map<_, _> = occurred.map(|(verdict, count)| (verdict.clone(), count.clone())).collect();
    assert_eq!(counts, serde_json::Value::Object(occurred));
    // The accounts that ask for attention come first, each with its number.
    let drawn = list(&browser.value(DRAWN));
    assert_eq!((drawn.len(), &drawn[..2]), (7, &["000000000001".to_owned(), "000000000002".to_owned()][..]));
    assert_eq!(browser.value("document.getElementById('theme').hidden"), false);

    filter(&mut browser, "verdict", "already_v2", 1);
    assert_eq!(list(&browser.value(DRAWN)), ["000000000003"]);
    assert_eq!(browser.value("location.hash"), "#verdict=already_v2");
    filter(&mut browser, "verdict", "", 7);
    // The search also finds the principals and programs of an account.
    filter(&mut browser, "find", "sdk for go", 3);
    filter(&mut browser, "find", "000000000002:role/app", 1);
    browser.value("document.querySelector('#rows tbody button').click()");
    let facts = browser.value("document.getElementById('detail').textContent");
    let facts = facts.as_str().expect("a text");
    for part in ["longer_tokens", "arn:aws:iam::000000000002:role/app", "352 characters now", "crosses 512"] {
        assert!(facts.contains(part), "{part}: {facts}");
    }
    was_quiet(&mut browser);
}
