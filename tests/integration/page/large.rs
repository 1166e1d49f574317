//! The HTML report of the largest possible Organization.

use super::{ROWS, was_quiet};
use crate::browser::Browser;
use crate::made_up_journals::made_up;

/// The most accounts that AWS allows. The test prints the measurements of docs/report.md.
#[test]
fn fifty_thousand_accounts_are_searched_filtered_and_sorted() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let failed = made_up(folder.path(), 50_000);
    let page = folder.path().join("page.html");
    let mut command = crate::harness::program(folder.path());
    let output =
        command.args(["report", ".", "--report=page.html", "--output=none"]).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let size = page.metadata().expect("the page").len();
    println!("50,000 accounts: {size} bytes");
    assert!(size < 15_000_000, "{size}");

    browser.open_file(&page);
    assert_eq!(browser.value(ROWS), 50_000);
    let drawn = browser.value("document.querySelectorAll('#rows tbody tr').length").as_u64().unwrap();
    assert!(drawn < 100, "{drawn} rows are in the document");
    let timed = |browser: &mut Browser, what: &str, script: &str| {
        let took =
            browser.value(&format!("{{ const begin = performance.now(); {script}; performance.now() - begin }}"));
        println!("{what}: {:.0} ms", took.as_f64().expect("a time"));
    };
    timed(&mut browser, "first search", "filters.find.value = 'payments'; select()");
    timed(&mut browser, "further search", "filters.find.value = 'payments-7'; select()");
    let found = browser.value(ROWS).as_u64().unwrap();
    assert!((1..50_000).contains(&found), "{found}");
    timed(&mut browser, "no filter", "filters.find.value = ''; select()");
    timed(&mut browser, "by outcome", "filters.outcome.value = 'failed'; select()");
    assert_eq!(browser.value(ROWS), failed);
    timed(&mut browser, "no filter", "filters.outcome.value = ''; select()");
    for (number, name) in ["id", "name", "OU", "outcome", "cause"].into_iter().enumerate().skip(1) {
        timed(
            &mut browser,
            &format!("sort by {name}"),
            &format!("order = {{ column: {number}, down: true }}; select()"),
        );
    }
    browser.value("order = { column: 0, down: false }; head(); select()");

    // The last account is reached by scrolling, and keeps the focus.
    browser.value("document.getElementById('window').scrollTop = 1e9");
    browser.wait_for(
        "document.querySelector('#rows tbody tr:not(.gap):nth-last-child(2) th')?.textContent === '000000050000'",
    );
    assert_eq!(
        browser.value(
            "document.querySelector('#rows tbody tr:not(.gap):nth-last-child(2)').getAttribute('aria-rowindex')"
        ),
        "50001"
    );
    timed(&mut browser, "drawing after a jump", "view.scrollTop = 900000; draw(false)");
    was_quiet(&mut browser);
}
