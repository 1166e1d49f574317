//! Files that are damaged or hostile: they are named and counted, and do not end the run.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::events::{Event, records};
use super::{Trail, holds, stderr};

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn a_damaged_file_is_named_and_does_not_end_the_run() {
    let event = Event::global("000000000001", SystemTime::now());
    let whole = records(std::slice::from_ref(&event));
    let zipped = gzip(whole.as_bytes());
    let mut flipped = zipped.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    let invalid = whole.replace("app/session", "app/\u{fffd}").into_bytes();
    let invalid: Vec<u8> = invalid.iter().map(|byte| if *byte == 0xef { 0xff } else { *byte }).collect();
    for (name, content) in [
        ("cut.json.gz", zipped[..zipped.len() - 20].to_vec()),
        ("flipped.json.gz", flipped),
        ("tail.json.gz", [&zipped[..], b"garbage"].concat()),
        ("cut.json", whole.as_bytes()[..whole.len() - 40].to_vec()),
        ("no.json", b"this is not JSON".to_vec()),
        ("html.json", b"<html></html>".to_vec()),
        ("invalid.json", invalid),
        ("zip.json", b"PK\x03\x04rest".to_vec()),
        ("zstd.json.zst", vec![0x28, 0xb5, 0x2f, 0xfd, 0]),
        ("type.json", whole.replace("\"AssumeRole\"", "7").into_bytes()),
    ] {
        let trail = Trail::new();
        trail.cover("000000000002");
        trail.write(&format!("logs/{name}"), content);
        let output = trail.run("run", &["--events", "logs"]);
        assert_eq!(output.status.code(), Some(3), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains(name), "{name}: {}", stderr(&output));
        let report = holds(&trail.path("run/impact.json"));
        assert_eq!(report["run"]["sources"]["damaged_files"], 1, "{name}");
        assert!(
            report["run"]["verdict"]["sentence"]
                .as_str()
                .is_some_and(|text| text.contains("1 file can't be read completely"))
        );
        // What the damaged file has may concern any account.
        assert_eq!(trail.cells("run", "verdict")[1], "unknown", "{name}");
    }
}

#[test]
fn a_damaged_file_of_a_trail_spoils_only_its_account() {
    let trail = Trail::new();
    trail.cover("000000000001");
    trail.cover("000000000002");
    trail.write("logs/000000000001_CloudTrail_us-east-1_20261127T1800Z_x.json.gz", "no gzip {");
    trail.write("logs/000000000002_CloudTrail_eu-west-1_20261127T1800Z_x.json.gz", "no gzip {");
    let output = trail.run("run", &["--events", "logs"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert_eq!(trail.cells("run", "verdict")[..2], ["unknown", "no_effect"]);
    assert!(trail.cells("run", "hint")[0].contains("1 of its files can't be read completely"));
}

#[test]
fn loops_of_links_and_other_files_do_no_harm() {
    let trail = Trail::new();
    trail.write("logs/a/events.json", records(&[Event::global("000000000001", SystemTime::now())]));
    trail.write("logs/a/README.txt", "no events");
    trail.write("logs/a/1_CloudTrail-Digest_us-east-1.json.gz", "no events");
    symlink(trail.path("logs"), trail.path("logs/a/loop")).expect("a link");
    let output = trail.run("run", &["--events", "logs"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("a link to a folder around it"), "{}", stderr(&output));
    assert_eq!(trail.cells("run", "global_calls")[0], "1");
    assert_eq!(holds(&trail.path("run/impact.json"))["run"]["sources"]["ignored_files"], 2);
}

#[test]
fn an_event_that_is_too_large_is_skipped_and_told() {
    let trail = Trail::new();
    let event = Event::global("000000000001", SystemTime::now());
    let (first, last) = (event.0.to_string(), event.named("GetSessionToken").with("eventID", "2").0.to_string());
    let filler = "x".repeat(5 << 20);
    trail.write("large.json", format!("{{\"Records\":[{first},{{\"text\":\"{filler}\"}},{last}]}}"));
    let output = trail.run("run", &["--events", "large.json"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("an event has more than 4 MiB"), "{}", stderr(&output));
    // What comes before it and behind it is read.
    assert_eq!(trail.rows("run", "principals.csv").len(), 2);
}

/// The rows that tell the coverage can come first, so a part of the result would look complete.
#[test]
fn a_result_of_the_query_that_was_cut_is_not_complete() {
    let trail = Trail::new();
    let header = "eventsource,eventname,eventtime,awsregion,recipientaccountid,readonly,coverage_hours,useridentity\n";
    let mut rows = String::from(header);
    for day in 0..92 {
        let time = SystemTime::now() - Duration::from_hours(day * 24);
        let date = &humantime::format_rfc3339_seconds(time).to_string()[..10];
        rows.push_str(&format!("v2token,coverage,{date},us-east-1,000000000002,true,16777215,\n"));
    }
    trail.write("whole.csv", &rows);
    trail.write("cut.csv", format!("{rows}sts.amazonaws.com,AssumeRole,2026-11"));
    trail.write("quote.csv", format!("{rows}sts.amazonaws.com,\"AssumeRole{}", "x\n".repeat(3 << 20)));
    assert_eq!(trail.run("whole", &["--events", "whole.csv"]).status.code(), Some(0));
    assert_eq!(trail.cells("whole", "verdict")[1], "no_effect");
    for (name, cause) in [("cut", "it was cut short"), ("quote", "a row has more than 4 MiB")] {
        let output = trail.run(name, &["--events", &format!("{name}.csv")]);
        assert_eq!(output.status.code(), Some(3), "{name}: {}", stderr(&output));
        assert!(stderr(&output).contains(cause), "{name}: {}", stderr(&output));
        assert_eq!(trail.cells(name, "verdict")[1], "unknown", "{name}");
    }
}

/// A client chooses its user agent.
#[test]
fn a_user_agent_that_looks_like_a_struct_is_a_text() {
    let trail = Trail::new();
    let header = "eventsource,eventname,eventtime,awsregion,recipientaccountid,useragent,useridentity,tlsdetails\n";
    let row = "sts.amazonaws.com,GetSessionToken,2026-11-22T04:15:00Z,us-east-1,000000000001,{a=b},\
               \"{type=IAMUser, arn=arn:aws:iam::000000000001:user/x, accountid=000000000001}\",\
               {clientprovidedhostheader=sts.amazonaws.com}\n";
    trail.write("result.csv", format!("{header}{row}"));
    let output = trail.run("run", &["--events", "result.csv", "--since=2026-01-01"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(trail.cells("run", "verdict")[0], "longer_tokens", "{}", stderr(&output));
}
