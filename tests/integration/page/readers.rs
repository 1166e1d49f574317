//! The HTML report for all readers: screen readers, dark mode, phones, print, and browsers without scripts or styles.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;

use serde_json::json;
use v2token_simulator::{HOSTILE_NAMES, Latency, Organization, TokenVersion};

use super::{MARKING, ROWS, apply, list, organization, shown, was_quiet};
use crate::browser::Browser;
use crate::harness::{Bench, rewrite};

#[test]
fn names_are_text_and_the_page_is_accessible() {
    let Some(mut browser) = Browser::start() else { return };
    let bench = Bench::new(organization().start());
    let run = apply(&bench);
    browser.open_file(&run.folder.join("report.html"));

    assert_eq!(browser.value("document.querySelectorAll('script').length"), 2, "the data and the script");
    assert_eq!(browser.value("document.querySelectorAll('img, iframe, object, [onerror], [onfocus]').length"), 0);
    let names: BTreeSet<String> = list(&browser.value("rows.map(row => row[NAME])")).into_iter().collect();
    for name in HOSTILE_NAMES.iter().chain(&MARKING) {
        assert!(names.contains(&shown(name)), "{name:?}");
    }
    // A control: in a page without the policy, an unescaped name has its effect.
    let broken = bench.folder.path().join("broken.html");
    std::fs::copy(run.folder.join("report.html"), &broken).expect("a copy");
    rewrite(&broken, |text| {
        let text = text.replace("http-equiv=\"Content-Security-Policy\"", "name=\"nothing\"");
        text.replacen("<main>", "<main><img src=\"http://127.0.0.1:1/x\"><script>marked=1</script>", 1)
    });
    browser.open_file(&broken);
    assert_eq!((browser.value("marked"), browser.requests().len()), (json!(1), 1), "a mark and a request are seen");
    rewrite(&broken, |text| text.replace("name=\"nothing\"", "http-equiv=\"Content-Security-Policy\""));
    browser.open_file(&broken);
    assert_eq!(browser.value("typeof marked"), "undefined", "the policy refuses what is not the page's own");
    assert!(browser.complaints().iter().any(|text| text.contains("Content Security Policy")), "and that is seen, too");

    // The tree for screen readers.
    browser.open_file(&run.folder.join("report.html"));
    let tree = browser.call("Accessibility.getFullAXTree", &json!({}));
    let nodes: BTreeSet<(String, String)> = tree["nodes"]
        .as_array()
        .expect("nodes")
        .iter()
        .map(|node| {
            let text = |part: &str| node[part]["value"].as_str().unwrap_or_default().to_owned();
            (text("role"), text("name"))
        })
        .collect();
    for (role, name) in [
        ("main", ""),
        ("banner", ""),
        ("search", "Filter the accounts"),
        ("searchbox", "Search"),
        ("combobox", "Outcome"),
        ("heading", "Failures by cause"),
        ("region", "All accounts"),
        ("columnheader", "Account"),
        ("link", "Skip to the table of all accounts"),
        ("rowheader", "000000000001"),
        ("dialog", ""),
    ] {
        let found = nodes.iter().any(|(of, text)| of == role && (name.is_empty() || text.starts_with(name)));
        // A closed dialog is not in the tree.
        assert_eq!(found, role != "dialog", "{role} {name:?}");
    }
    assert!(nodes.iter().any(|(role, _)| role == "status"), "changes of the account count are announced");

    // Light and dark, by the system's preference and by the button.
    let ground = "getComputedStyle(document.body).backgroundColor";
    let light = browser.value(ground);
    browser.media("screen", "dark");
    let dark = browser.value(ground);
    assert_ne!(light, dark);
    browser.value("document.getElementById('theme').click()");
    assert_eq!(browser.value(ground), light, "the button says otherwise");
    browser.media("screen", "light");
    assert_eq!(browser.value(ground), light);
    browser.value("document.getElementById('theme').click()");
    assert_eq!(browser.value(ground), dark);

    // A phone: only elements with their own scrolling are wider than the page.
    browser.resize(360, 740);
    let (width, shown) = (browser.value("document.documentElement.scrollWidth"), browser.value("innerWidth"));
    assert_eq!((width, shown), (json!(360), json!(360)));
    assert_eq!(browser.value("getComputedStyle(document.querySelector('#rows tbody .c-ou')).display"), "none");
    was_quiet(&mut browser);

    // On paper everything is printed, except controls for the screen.
    browser.media("print", "light");
    browser.value("dispatchEvent(new Event('beforeprint'))");
    assert_eq!(browser.value("document.querySelectorAll('#rows tbody th').length"), 150);
    assert_eq!(browser.value("getComputedStyle(document.getElementById('filters')).display"), "none");
}

/// Serves one file with this content security policy.
fn serve(page: &Path, policy: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/report.html", listener.local_addr().expect("an address"));
    let page = std::fs::read(page).expect("the page");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or(0);
            let found = request[..length].starts_with(b"GET /report.html ");
            let (status, body) = if found { ("200 OK", page.as_slice()) } else { ("404 Not Found", b"".as_slice()) };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Security-Policy: {policy}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            // The browser may disconnect at any time.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    url
}

#[test]
fn the_page_works_without_scripts_and_styles() {
    let Some(mut browser) = Browser::start() else { return };
    let bench = Bench::new(organization().start());
    let run = apply(&bench);
    let page = run.folder.join("report.html");
    // The first is the policy of a CI server that trusts no artefact: no scripts, no styles, no origin.
    for (policy, scripted) in [
        ("sandbox; default-src 'none'; img-src 'self'; style-src 'self'", false),
        ("sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'", true),
    ] {
        let url = serve(&page, policy);
        browser.open(&url);
        let text = browser.value("document.body.innerText").as_str().expect("a text").to_owned();
        for (outcome, count) in run.outcomes() {
            let line = format!("{outcome}\t{count}\t");
            assert!(text.contains(&line), "{line:?} in {text}");
        }
        for part in [
            "selected accounts are known to be on v2Token",
            "What to do:",
            "AccessDenied",
            "By organizational unit",
            "ou-ab12-",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let offered = browser.value("getComputedStyle(document.getElementById('explorer')).display");
        assert_eq!(offered != "none", scripted, "the table is offered only where it can be drawn");
        assert_eq!(text.contains("switched off here"), !scripted);
        let fill = browser.value("getComputedStyle(document.querySelector('svg.bar .failed')).fill");
        assert_eq!(fill, "rgb(179, 38, 30)", "the picture has its colours");
        assert_eq!(browser.requests(), Vec::<String>::new());
        assert_eq!(browser.value("typeof marked"), "undefined");
    }
}

#[test]
fn an_unfinished_run_is_marked() {
    let Some(mut browser) = Browser::start() else { return };
    let latency = Latency { iam: std::time::Duration::from_millis(100), ..Latency::default() };
    let bench = Bench::new(Organization::builder().accounts(150).unlimited().latency(latency).start());
    let before = bench.truth();
    let mut command = bench.command("run", &["apply", "--yes", "--rate=0", "--concurrency=4", "--waves=100%"]);
    let child =
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().expect("it starts");
    let deadline = std::time::Instant::now() + crate::running::LIMIT;
    while bench.truth().with_version(TokenVersion::V2) < 10 {
        assert!(std::time::Instant::now() < deadline, "the run does not come so far");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    browser.open_file(&bench.run_folder("run").join("report.html"));
    assert!(browser.value("document.body.innerText").as_str().unwrap().contains("v2token report"));
    assert_eq!(browser.value("document.querySelector('h1').textContent"), "This run has not ended");
    was_quiet(&mut browser);

    bench.again("half", &["report", "run", "--report=half.html", "--report=half.md", "--output=none"]).exits(0);
    browser.open_file(&bench.folder.path().join("half.html"));
    assert_eq!(browser.value("document.getElementById('not-ended').checkVisibility()"), true);
    assert!(browser.value("document.querySelector('h1').textContent").as_str().unwrap().starts_with("not finished: "));
    assert_eq!(browser.value(ROWS), 150);
    let markdown = std::fs::read_to_string(bench.folder.path().join("half.md")).expect("a report");
    assert!(markdown.contains("**This run has not ended"), "{markdown}");

    let output = child.wait_with_output().expect("it ends");
    let run = bench.conclude("run", before, output).exits(0).agrees(TokenVersion::V2);
    browser.open_file(&run.folder.join("report.html"));
    assert_eq!(browser.value("document.getElementById('not-ended') === null"), true);
    was_quiet(&mut browser);
}
