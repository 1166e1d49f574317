//! The forms in which events come: each gives the same report.

use std::io::Write as _;
use std::process::Stdio;
use std::time::SystemTime;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::events::{Event, records};
use super::{Trail, stderr};
use crate::harness::program;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

fn two() -> [Event; 2] {
    let now = SystemTime::now();
    [Event::global("000000000001", now), Event::global("000000000001", now).named("GetSessionToken")]
}

/// A row of `SELECT *` in Athena: nested objects are structs or JSON.
fn athena_row(event: &Value) -> Vec<String> {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let identity = &event["userIdentity"];
    let identity = format!(
        "{{type={}, principalid=x, arn={}, accountid={}, invokedby=null, accesskeyid=ASIACANARY, username=null, sessioncontext={{attributes={{mfaauthenticated=false, creationdate=2026}}, sessionissuer={{type=Role, principalid=x, arn={}, accountid=1, username=app}}}}}}",
        identity["type"].as_str().unwrap_or_default(),
        identity["arn"].as_str().unwrap_or_default(),
        identity["accountId"].as_str().unwrap_or_default(),
        identity["sessionContext"]["sessionIssuer"]["arn"].as_str().unwrap_or_default(),
    );
    vec![
        text("eventVersion"),
        identity,
        text("eventTime"),
        text("eventSource"),
        text("eventName"),
        text("awsRegion"),
        text("userAgent"),
        event["requestParameters"].to_string(),
        event["responseElements"].to_string(),
        event["additionalEventData"].to_string(),
        text("eventID"),
        "true".to_owned(),
        text("recipientAccountId"),
        "{tlsversion=TLSv1.3, clientprovidedhostheader=sts.amazonaws.com}".to_owned(),
    ]
}

const ATHENA: [&str; 14] = [
    "eventversion",
    "useridentity",
    "eventtime",
    "eventsource",
    "eventname",
    "awsregion",
    "useragent",
    "requestparameters",
    "responseelements",
    "additionaleventdata",
    "eventid",
    "readonly",
    "recipientaccountid",
    "tlsdetails",
];

fn csv_of(header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).expect("memory");
    rows.into_iter().for_each(|row| writer.write_record(row).expect("memory"));
    writer.into_inner().expect("memory")
}

#[test]
fn every_form_gives_the_same_report() {
    let trail = Trail::new();
    let events = two();
    let lines = events.iter().map(|event| event.0.to_string() + "\n").collect::<String>();
    let whole = records(&events);
    let lower = |event: &Event| {
        let members = event.0.as_object().expect("an object").iter();
        Value::Object(members.map(|(name, value)| (name.to_lowercase(), value.clone())).collect())
    };
    let lookups: Vec<Value> = events
        .iter()
        .map(
            |event| json!({"EventId": "x", "EventSource": "sts.amazonaws.com", "CloudTrailEvent": event.0.to_string()}),
        )
        .collect();
    let forms: Vec<(&str, Vec<u8>)> = vec![
        ("a.json", whole.clone().into_bytes()),
        ("b.json", serde_json::to_vec_pretty(&serde_json::from_str::<Value>(&whole).expect("JSON")).expect("JSON")),
        ("c.json.gz", gzip(&whole)),
        ("d.jsonl", lines.clone().into_bytes()),
        ("e.jsonl.gz", gzip(&lines)),
        // Several members, as after `cat *.gz`.
        ("f.gz", [gzip(&records(&events[..1])), gzip(&records(&events[1..]))].concat()),
        ("g.json", json!(events.iter().map(|event| &event.0).collect::<Vec<_>>()).to_string().into_bytes()),
        ("h.json", lines.replace("sts.amazonaws.com", "\\u0073ts.amazonaws.com").into_bytes()),
        ("i.csv", csv_of(&ATHENA, events.iter().map(|event| athena_row(&event.0)))),
        ("j.csv", csv_of(&["eventJson"], events.iter().map(|event| vec![event.0.to_string()]))),
        ("k.jsonl", events.iter().map(|event| lower(event).to_string() + "\n").collect::<String>().into_bytes()),
        ("l.json", json!({ "Events": lookups }).to_string().into_bytes()),
        (
            "m.csv.gz",
            gzip(&String::from_utf8(csv_of(&ATHENA, events.iter().map(|event| athena_row(&event.0)))).expect("UTF-8")),
        ),
        ("n.json", [b"\xef\xbb\xbf".as_slice(), whole.as_bytes()].concat()),
    ];
    let expected = ["2", "0", "0", "0", "0", "0", "0"];
    for (name, content) in &forms {
        trail.write(name, content);
        let run = format!("run-{name}");
        let output = trail.run(&run, &["--events", name]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
        assert_eq!(trail.cells(&run, "global_calls"), expected, "{name}");
        let rows = trail.rows(&run, "principals.csv");
        assert_eq!(rows.len(), 2, "{name}");
        for row in rows {
            assert_eq!(row["principal"], "arn:aws:iam::000000000001:role/app", "{name}");
            assert_eq!((row["largest_token"].as_str(), row["expected_token"].as_str()), ("352", "752"), "{name}");
        }
        assert_eq!(trail.cells(&run, "verdict")[0], "longer_tokens", "{name}");
    }
    // All of them together have the same two calls.
    let names: Vec<&str> = forms.iter().map(|(name, _)| *name).collect();
    trail.run("all", &[&["--events"], &names[..]].concat());
    assert_eq!(trail.cells("all", "global_calls"), expected);
}

#[test]
fn stdin_is_read() {
    let trail = Trail::new();
    let mut child = program(trail.folder.path())
        .args(["impact", "--offline", "--accounts-from=accounts.csv", "--events=-", "--run-dir=run"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    child.stdin.take().expect("a pipe").write_all(&gzip(&records(&two()))).expect("the program reads");
    assert!(child.wait().expect("it ends").success());
    assert_eq!(trail.cells("run", "global_calls")[0], "2");
}

#[test]
fn the_result_of_the_query_proves_its_hours_and_another_export_proves_nothing() {
    let trail = Trail::new();
    let header: Vec<&str> = ATHENA.iter().copied().chain(["coverage_hours"]).collect();
    let days = (0..92_u64).map(|day| SystemTime::now() - std::time::Duration::from_secs(day * 24 * 3600));
    let coverage = days.map(|day| {
        let day = humantime::format_rfc3339_seconds(day).to_string()[..10].to_owned();
        let mut row = vec![String::new(); header.len()];
        (row[2], row[3], row[4], row[12]) =
            (day, "v2token".to_owned(), "coverage".to_owned(), "000000000002".to_owned());
        row[14] = "16777215".to_owned();
        row
    });
    let rows = two().iter().map(|event| [athena_row(&event.0), vec![String::new()]].concat()).collect::<Vec<_>>();
    trail.write("result.csv", csv_of(&header, rows.into_iter().chain(coverage)));
    let output = trail.run("run", &["--events", "result.csv"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(trail.cells("run", "verdict")[..2], ["longer_tokens", "no_effect"]);
    assert_eq!(trail.cells("run", "coverage")[..2], ["incomplete", "complete"]);
    let sql = program(trail.folder.path())
        .args(["impact", "sql", "--table=logs.trail", "--since=2026-01-01"])
        .output()
        .expect("it starts");
    let sql = String::from_utf8(sql.stdout).expect("UTF-8");
    assert!(
        sql.contains("FROM logs.trail") && sql.contains("'2026-01-01T00:00:00Z'") && sql.contains("'coverage'"),
        "{sql}"
    );
    assert!(!sql.contains(['{', '}']), "{sql}");
}

#[test]
fn exports_and_filtered_trails_are_never_complete() {
    let trail = Trail::new();
    let now = SystemTime::now();
    let write_only = Event::read("000000000001", now).with("readOnly", false);
    let elsewhere = Event::read("000000000002", now).with("awsRegion", "eu-west-1");
    let only_sts = Event::global("000000000004", now).regional();
    trail.write("a.jsonl", [write_only, elsewhere, only_sts].map(|event| event.0.to_string() + "\n").concat());
    trail.run("run", &["--events", "a.jsonl"]);
    let hints = trail.cells("run", "hint");
    assert!(hints[0].contains("the trail has write events only"), "{hints:?}");
    assert!(hints[1].contains("only events of other Regions"), "{hints:?}");
    assert!(hints[3].contains("only events of STS were read"), "{hints:?}");
    assert!(trail.cells("run", "verdict").iter().all(|verdict| verdict != "no_effect"));
}
