//! Tests of the splitter, against a parser that reads the whole text.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// Splits a text that comes in chunks of this many blocks. Returns the events, and what else was found.
fn split(text: &[u8], blocks: usize) -> (Vec<Vec<u8>>, Vec<String>) {
    let (mut events, mut others) = (Vec::new(), Vec::new());
    let mut sink = |piece: Piece<'_>| match piece {
        Piece::Event { text, clues } => {
            let is_quoted_st = |bytes: &[u8]| bytes.eq_ignore_ascii_case(b"\"st");
            assert!(clues.backslash || !text.contains(&b'\\'), "{}", String::from_utf8_lossy(text));
            assert!(clues.quoted_st || !text.windows(3).any(is_quoted_st), "{}", String::from_utf8_lossy(text));
            events.push(text.to_vec());
        }
        other => others.push(format!("{other:?}")),
    };
    let mut splitter = Splitter::default();
    let mut chunks = text.chunks(BLOCK * blocks).peekable();
    while let Some(chunk) = chunks.next_if(|chunk| chunk.len() == BLOCK * blocks) {
        splitter.push(chunk, &mut sink);
    }
    splitter.finish(chunks.next().unwrap_or_default(), &mut sink);
    (events, others)
}

/// Any JSON value, with texts that look like structure.
fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[a-z]{0,9}",
        "[sS][tT][sS]?.{0,70}",
        "[\\\\\"{}\\[\\]:,\n\u{e9}]{0,12}",
        Just("Records".to_owned()),
        "[\\\\\"]{60,70}"
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((text.clone(), inner), 0..5).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_event() -> impl Strategy<Value = Value> {
    // A list of this name at the top would be a list of events.
    let is_member = |name: &str| !["records", "events"].contains(&name.to_lowercase().as_str());
    vec(("[a-zA-Z\\\\\"]{0,8}", any_json()), 0..6)
        .prop_map(move |members| Value::Object(members.into_iter().filter(|(name, _)| is_member(name)).collect()))
}

proptest! {
    #[test]
    fn every_form_of_a_list_gives_its_events(events in vec(any_event(), 0..6), blocks in 1_usize..4, pretty in any::<bool>()) {
        let text = |value: &Value| if pretty { serde_json::to_vec_pretty(value) } else { serde_json::to_vec(value) }.unwrap();
        let lines = || events.iter().flat_map(|event| [serde_json::to_vec(event).unwrap(), b"\n".to_vec()].concat()).collect();
        let forms: [Vec<u8>; 6] = [
            text(&json!({ "Records": events })),
            text(&json!({ "digest": [1, {"x": "y"}], "Records": events, "last": {"Records": []} })),
            text(&json!({ "Events": events, "NextToken": "x" })),
            text(&Value::from(events.clone())),
            text(&json!([{ "records": events }])),
            lines(),
        ];
        for form in forms {
            let (found, others) = split(&form, blocks);
            let found: Vec<Value> = found.iter().map(|event| serde_json::from_slice(event).unwrap()).collect();
            prop_assert_eq!(&found, &events, "{}", String::from_utf8_lossy(&form));
            prop_assert!(others.is_empty(), "{:?} in {}", others, String::from_utf8_lossy(&form));
        }
    }

    #[test]
    fn no_text_makes_the_splitter_panic(text in vec(prop_oneof![Just(b'{'), Just(b'}'), Just(b'['), Just(b']'), Just(b'"'), Just(b'\\'), Just(b'\n'), any::<u8>()], 0..400)) {
        let (found, others) = split(&text, 1);
        prop_assert_eq!((found, others), split(&text, 100), "the sizes of the chunks must not matter");
    }
}

#[test]
fn damage_is_told_and_the_next_line_is_read() {
    let event = r#"{"a":"b"}"#;
    for (text, expected, damaged) in [
        (format!("{event}\n{event}\n"), 2, 0),
        (format!("{event} {event}"), 2, 0),
        (format!("\u{feff}{event}\r\n,{event}"), 2, 0),
        (format!(r#"{{"Records":[{event},{event}"#), 2, 1),
        (format!(r#"{{"Records":[{event},{{"a":"#), 1, 1),
        (format!("{{\"a\":\"cut\n{event}\n{event}\n"), 2, 1),
        (format!("{{\"a\":1\n{event}\n"), 1, 1),
        (format!("{{\"a\":1,\n{event}\n"), 1, 1),
        (format!("{event}\nnot JSON\n{event}\n"), 2, 1),
        (format!("<html>\n{event}"), 1, 1),
        (format!("{event}}}}}{event}"), 2, 2),
        (format!("{{\"Records\":[[{event}],{event}]}}"), 1, 1),
        (String::new(), 0, 0),
        ("  \n ".to_owned(), 0, 0),
        ("\"".to_owned(), 0, 2),
        ("[".repeat(100_000), 0, 1),
        ("{\"a\":".repeat(100_000), 0, 1),
    ] {
        for blocks in [1, 3, 1000] {
            let (found, others) = split(text.as_bytes(), blocks);
            assert_eq!((found.len(), others.len()), (expected, damaged), "{text:.80} {others:?}");
        }
    }
}

#[test]
fn an_event_that_is_too_large_is_told_and_not_kept() {
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_EVENT));
    let event = r#"{"a":"b"}"#;
    for text in [
        format!(r#"{{"Records":[{event},{large},{event}]}}"#),
        format!("{event}\n{large}\n{event}"),
        format!("[{event},{large},{event}]"),
    ] {
        for blocks in [1, 1000] {
            let (found, others) = split(text.as_bytes(), blocks);
            assert_eq!(found, [event.as_bytes(), event.as_bytes()]);
            assert_eq!(others, ["TooLarge"]);
        }
    }
}

#[test]
fn clues_are_of_an_event_and_of_what_is_near_it() {
    let far = "x".repeat(BLOCK * 5 / 2);
    let plain = format!(r#"{{"a":"{far}"}}"#);
    for (middle, expected) in [
        (format!(r#"{{"a":"{far}\u0073{far}"}}"#), Clues { backslash: true, quoted_st: false }),
        (format!(r#"{{"a":"{far}","b":"Sts.{far}"}}"#), Clues { backslash: false, quoted_st: true }),
        (format!(r#"{{"a":"{far} sts. s\"s{far}"}}"#), Clues { backslash: true, quoted_st: false }),
        (format!(r#"{{"a":"{far}\"st{far}"}}"#), Clues { backslash: true, quoted_st: true }),
        (plain.clone(), Clues::default()),
    ] {
        let list = [&plain, &middle, &plain].map(String::as_str);
        let forms =
            [list.join("\n"), format!("[{}]", list.join(",")), format!(r#"{{"Records":[{}]}}"#, list.join(","))];
        for text in forms {
            let mut found = Vec::new();
            let mut sink = |piece: Piece<'_>| {
                if let Piece::Event { clues, .. } = piece {
                    found.push(clues);
                }
            };
            Splitter::default().finish(text.as_bytes(), &mut sink);
            assert_eq!(found, [Clues::default(), expected, Clues::default()], "{text}");
        }
    }
}

#[test]
fn a_string_that_begins_at_any_place_of_a_block_is_seen() {
    for before in 0..2 * BLOCK {
        for blocks in [1, 3] {
            let text = format!(r#"[{}{{"a":"stS.amazonaws.com"}}]"#, " ".repeat(before));
            assert_eq!(split(text.as_bytes(), blocks).0.len(), 1, "the assertion is in `split`");
        }
    }
}
