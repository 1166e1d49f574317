//! Compares what the program reads from files and variables with what the AWS CLI v1 and Python read from the same made-up inputs.
//!
//! It needs `python3` and, the first time, the network. Where CI is set, their absence fails the test; elsewhere it skips it with a message.

#![cfg(unix)]

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

/// A line of a file in `~/.aws`. Most names have a number, because a name that is there twice spoils the whole file.
fn line(rng: &mut Rng, number: usize) -> String {
    const INDENTS: [&str; 14] =
        ["", "", "", "", "", "", "", " ", "  ", "\t", "\u{a0}", "\u{c}", "\u{1f} ", "\u{2003} "];
    const HEADERS: [&str; 12] = [
        "[default]",
        "[profile a#]",
        "[profile \"a b#\"]",
        "[DEFAULT]",
        "[DEFAULT]",
        "[sso-session s#] ; comment",
        "[services #]\u{b}",
        "[ #]",
        "[a]#]",
        "[#",
        "[]",
        "[profile é'#",
    ];
    const NAMES: [&str; 12] = [
        "region#",
        "region",
        "ROLE_ARN#",
        "s3#",
        "aws_access_key_id #",
        "Ärger#",
        "İ#",
        "ΣΑΣ#",
        "a\u{a0}b#",
        "[x#",
        "",
        "source_profile#\t",
    ];
    const DELIMITERS: [&str; 10] = ["=", " = ", "=", " = ", ":", " : ", "==", " =: ", "\u{b}=\u{1c}", ""];
    const VALUES: [&str; 14] = [
        "",
        "",
        "eu-west-1",
        "arn:aws:iam::123456789012:role/x",
        "a ; b # c",
        "\"quoted\"",
        "[x]",
        "\u{85}",
        "a\u{85}b = c",
        "x\u{2028}y",
        "a\0b",
        "x = \u{c}y",
        "\u{feff}",
        "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY==",
    ];
    const COMMENTS: [&str; 5] = ["# comment", ";", "#= x", "; [default]", "rem x"];
    let numbered = |text: &str| text.replace('#', &number.to_string());
    let indent = pick(rng, &INDENTS);
    match rng.u32(..20) {
        0..3 => format!("{indent}{}", numbered(pick(rng, &HEADERS))),
        3..12 => {
            let (name, delimiter) = (numbered(pick(rng, &NAMES)), pick(rng, &DELIMITERS));
            format!("{indent}{name}{delimiter}{}", pick(rng, &VALUES))
        }
        12..16 => {
            let [name, delimiter, value] =
                [&["k", "", "k\u{a0}", "[k]"][..], &DELIMITERS, &VALUES].map(|from| pick(rng, from));
            format!("  {indent}{name}{delimiter}{value}")
        }
        16..18 => format!("{indent}{}", pick(rng, &COMMENTS)),
        _ => indent.to_owned(),
    }
}

/// A file: one of a realistic shape, one of random lines, or either of them damaged.
fn file(rng: &mut Rng) -> Vec<u8> {
    let end = pick(rng, &["\n", "\n", "\n", "\r\n", "\r"]);
    let mut text = String::from(pick(rng, &["[default]", "[default]", "[profile x]", "# c\n[DEFAULT]", ""]));
    let is_realistic = rng.bool();
    for number in 0..rng.usize(..14) {
        text.push_str(if rng.u32(..40) == 0 { "\r" } else { end });
        if is_realistic {
            let name = pick(rng, &["region", "s3", "role_arn", "mfa_serial"]);
            text.push_str(&match rng.u32(..7) {
                0 => format!("[profile p{number}]"),
                1 => format!("{name}{number} ={end}  a = 1{end}{end}  b=2"),
                2 => format!("{name}{number} = {end}\tx"),
                3 => "# comment".to_owned(),
                4 => format!("{name} = default"),
                _ => format!("{name}{number} = value"),
            });
        } else {
            text.push_str(&line(rng, number));
        }
    }
    text.push_str(pick(rng, &["", end, "\n\n", " "]));
    let mut bytes = text.into_bytes();
    if rng.u32(..3) == 0 {
        (0..=rng.u32(..4)).for_each(|_| damage(rng, &mut bytes));
    }
    bytes
}

fn damage(rng: &mut Rng, bytes: &mut Vec<u8>) {
    const PIECES: [&[u8]; 22] = [
        b"\n",
        b"\r",
        b"\n ",
        b" ",
        b"\t",
        b"=",
        b":",
        b"[",
        b"]",
        b"#",
        b"\n;",
        b"\x0c",
        b"\x1c",
        b"\x1e",
        b"\0",
        b"\xc2\x85",
        b"\xc2\xa0",
        b"\xe2\x80\xa8",
        b"\xef\xbb\xbf",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
    ];
    let place = |rng: &mut Rng, bytes: &Vec<u8>| rng.usize(..=bytes.len());
    let at = place(rng, bytes);
    match rng.u32(..6) {
        0 => drop(bytes.drain(at..(at + rng.usize(..4)).min(bytes.len()))),
        1 => bytes.truncate(at),
        2 if !bytes.is_empty() => {
            let (one, other) = (rng.usize(..bytes.len()), rng.usize(..bytes.len()));
            bytes.swap(one, other);
        }
        3 if at < bytes.len() => bytes[at] = rng.u8(..),
        4 => {
            let other = place(rng, bytes);
            let copy = bytes[at.min(other)..at.max(other)].to_vec();
            drop(bytes.splice(at..at, copy));
        }
        _ => {
            let piece = PIECES[rng.usize(..PIECES.len())];
            drop(bytes.splice(at..at, piece.iter().copied()));
        }
    }
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
    compare("aws_settings_ini", 10_000, file, question, answer);
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
