//! Compares what the program reads from files and variables with what the AWS CLI v1 and Python read from the same made-up inputs.
//!
//! It needs `python3` and, the first time, the network. Where CI is set, their absence fails the test; elsewhere it skips it with a message.

#![cfg(unix)]

mod made_up_files;

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value as Json, json};
use v2token::internals::{Proxies, Section, Value, parse_ini, split_words};

use crate::python::{Scratch, environment, hermetic, run, skip};

const LIMIT: Duration = Duration::from_mins(2);

/// Asks Python one question for each of these seeds, and compares the answers. Between a tenth and nine tenths must have an answer.
fn compare<Input>(
    name: &str,
    count: u64,
    make: impl Fn(&mut Rng) -> Input,
    question: impl Fn(&Input) -> Json,
    answer: impl Fn(&Input) -> Json,
) {
    let scratch = Scratch::new(name);
    let python = match environment("aws_cli", &scratch.0) {
        Ok(python) => python,
        Err(reason) => return skip("Python", &reason),
    };
    let inputs: Vec<Input> = (0..count).map(|seed| make(&mut Rng::with_seed(seed))).collect();
    let questions = inputs.iter().fold(String::new(), |mut lines, input| {
        writeln!(lines, "{}", question(input)).expect("a string takes everything");
        lines
    });
    let file = scratch.0.join("questions");
    std::fs::write(&file, questions).expect("a file for the questions");
    let mut command = Command::new(python);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/aws_cli/reference.py");
    hermetic(&mut command, &scratch.0).env("PYTHONUTF8", "1").args([script.as_ref(), file.as_path()]);
    let answers = run(&mut command, "reference", &scratch.0, LIMIT).expect("the answers of Python");
    let answers: Vec<Json> = answers.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(answers.len(), inputs.len());

    let wrong: Vec<String> = (0..)
        .zip(inputs.iter().zip(&answers))
        .filter_map(|(seed, (input, theirs))| {
            let ours = answer(input);
            let story = format!("seed {seed}: {}\nPython: {theirs}\nv2token: {ours}\n", question(input));
            (ours != *theirs).then_some(story)
        })
        .collect();
    assert!(wrong.is_empty(), "{} differ, among them\n{}", wrong.len(), wrong[..wrong.len().min(5)].concat());
    let answered = answers.iter().filter(|answer| !answer.is_null()).count();
    assert!(answered * 10 > answers.len() && answered * 10 < answers.len() * 9, "{answered} have an answer");
}

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    from[rng.usize(..from.len())]
}

#[test]
fn a_file_is_read_as_in_the_aws_cli() {
    let value = |value| match value {
        Value::Text(text) => json!(text),
        Value::Nested(options) => json!(options),
    };
    let section = |Section { name, values }| {
        let values: Vec<Json> = values.into_iter().map(|(name, inner)| json!([name, value(inner)])).collect();
        json!([name, values])
    };
    let answer =
        |bytes: &Vec<u8>| parse_ini(bytes).map_or(Json::Null, |sections| sections.into_iter().map(section).collect());
    let question = |bytes: &Vec<u8>| json!({ "ini": bytes.iter().map(|&byte| char::from(byte)).collect::<String>() });
    compare("aws_settings_ini", 10_000, made_up_files::file, question, answer);
}

#[test]
fn words_are_split_as_in_python() {
    const PIECES: [&str; 20] = [
        " ", " ", "\t", "\n", "\r", "'", "'", "\"", "\"", "\\", "\\", "profile", "a", "b", "é", "\u{a0}", "\u{c}", "#",
        "''", "\\\"",
    ];
    let make = |rng: &mut Rng| (0..rng.usize(..12)).map(|_| pick(rng, &PIECES)).collect::<String>();
    compare("aws_settings_words", 10_000, make, |text| json!({ "words": text }), |text| json!(split_words(text)));
}

/// Variables in the order of a process, and a URL.
fn proxied(rng: &mut Rng) -> (Vec<(String, String)>, String) {
    const NAMES: [&str; 17] = [
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "NO_PROXY",
        "no_proxy",
        "NO_PROXY",
        "no_proxy",
        "ALL_PROXY",
        "all_proxy",
        "Https_Proxy",
        "HTTPS_proxy",
        "No_Proxy",
        "http_PROXY",
        "REQUEST_METHOD",
        "_PROXY",
        "FTP_PROXY",
    ];
    const VALUES: [&str; 13] = [
        "",
        "http://proxy:3128",
        "https://proxy",
        "proxy:3128",
        "//proxy",
        "HTTP://proxy",
        "http:proxy",
        "socks5://user:password@proxy",
        "http://user:password@proxy:3128/",
        "user@proxy",
        " http://proxy",
        "[::1]:3128",
        "é",
    ];
    const HOSTS: [&str; 14] = [
        "iam.amazonaws.com",
        "IAM.amazonaws.com",
        "localhost",
        "localhost:4566",
        "127.0.0.1",
        "127.0.0.1:80",
        "[::1]",
        "[fe80::1]:8080",
        "169.254.169.254",
        "user:1@host",
        "host.",
        "host:",
        "é.example",
        "",
    ];
    const BYPASSED: [&str; 22] = [
        "*",
        " * ",
        "",
        " ",
        ".",
        "..",
        "amazonaws.com",
        ".amazonaws.com",
        "..AMAZONAWS.COM",
        "onaws.com",
        "iam.amazonaws.com:443",
        "localhost",
        "localhost:4566",
        "127.0.0.1",
        "127.0.0.0/8",
        "::1",
        "[::1]",
        "[fe80::1]:8080",
        "\u{1f}host\u{a0}",
        "host.",
        ":80",
        "\u{c9}.example",
    ];
    let variables = (0..rng.usize(1..6)).map(|_| {
        let name = pick(rng, &NAMES);
        let is_list = name.eq_ignore_ascii_case("no_proxy");
        let list = (0..rng.usize(..4)).map(|_| pick(rng, &BYPASSED)).collect::<Vec<_>>().join(pick(rng, &[",", ", "]));
        (name.to_owned(), if is_list { list } else { pick(rng, &VALUES).to_owned() })
    });
    let mut variables: Vec<(String, String)> = variables.collect();
    // A process has each variable once.
    let mut seen = std::collections::HashSet::new();
    variables.retain(|(name, _)| seen.insert(name.clone()));
    let (scheme, host) = (pick(rng, &["https", "https", "http", "HTTPS", "ftp"]), pick(rng, &HOSTS));
    (variables, format!("{scheme}://{host}{}", pick(rng, &["", "/", "/a?b", "?a=://", "#a:1", "/x@y:1"])))
}

#[test]
fn a_proxy_is_chosen_as_in_the_aws_cli() {
    let answer = |(variables, url): &(Vec<(String, String)>, String)| {
        let proxies = Proxies::from_variables(variables.iter().map(|(name, value)| (name.into(), value.into())));
        json!(proxies.for_url(url).map(|proxy| &proxy.url))
    };
    compare(
        "aws_settings_proxy",
        5000,
        proxied,
        |(variables, url)| json!({ "variables": variables, "url": url }),
        answer,
    );
}
