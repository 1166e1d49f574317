//! Files and section names that are read, and files that are refused.

use super::*;

fn flat(text: &str) -> Vec<String> {
    let sections = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let value = |value: Value| match value {
        Value::Text(text) => text,
        Value::Nested(options) => format!("{options:?}"),
    };
    let section = |Section { name, values }| {
        let values: Vec<_> = values.into_iter().map(|(name, inner)| format!("{name}={}", value(inner))).collect();
        format!("[{name}] {}", values.join("|"))
    };
    sections.into_iter().map(section).collect()
}

#[test]
fn a_file_is_read_as_in_python() {
    for (text, expected) in [
        ("", &[][..]),
        ("[a]\n", &["[a] "]),
        ("[a] b]x\nK : v = w ; no comment\n", &["[a] b] k=v = w ; no comment"]),
        ("# c\r;c\r\n[a]\rk=1\r\n\r\n # c\n  2\n\n[b]", &["[a] k=1\n\n2", "[b] "]),
        ("[b]\ny=2\n[DEFAULT]\nx=0\ny=0\n[a]\n", &["[b] y=2|x=0", "[a] x=0|y=0"]),
        ("[a]\ns3 =\n  k = 1\n  k=2\n\n  l==\n", &[r#"[a] s3=[("k", "2"), ("l", "=")]"#]),
        ("  [a]\n k=1\n  2\n l=\n", &["[a] k=1\n2|l="]),
        ("[a]\n\u{1f}\u{a0}k\u{2003}=\u{c}1\u{85}\n", &["[a] k=1"]),
    ] {
        assert_eq!(flat(text), expected, "{text:?}");
    }
}

#[test]
fn a_refusal_names_the_line_and_no_value() {
    for (text, line, part) in [
        (&b"\n[a]\r\nk=\xff"[..], 3, "UTF-8"),
        (b"\xef\xbb\xbf[a]", 1, "byte order mark"),
        (b"#\nk = SECRET", 2, "section above"),
        (b"[a]\nSECRET", 2, "NAME = VALUE"),
        (b"[a]\n = SECRET", 2, "no name"),
        (b"[a]\n[b]\n[a]", 3, "[a]"),
        (b"[DEFAULT]\nk=SECRET\n[b]\n[DEFAULT]\nK=SECRET", 5, "option k is there twice in the section [DEFAULT]"),
        (b"[DEFAULT]\ns=\n  a=1\n#\n  SECRET\n[b]", 5, "value of s in the section [b]"),
    ] {
        let Err(IniError { line: found, detail }) = parse(text) else { panic!("{part}: it was read") };
        assert_eq!(found, Some(line), "{part}");
        assert!(detail.contains(part) && !detail.contains("SECRET"), "{detail}");
    }
}

#[test]
fn words_are_split_as_in_python() {
    for (text, expected) in [
        ("", Some(&[][..])),
        ("profile \"my profile\"", Some(&["profile", "my profile"])),
        ("a'b c'\"d\\\"\\e\"\\ f  '' g\u{a0}h", Some(&["ab cd\"\\e f", "", "g\u{a0}h"])),
        ("'a", None),
        ("\"a\\", None),
        ("a\\", None),
    ] {
        let words = split_words(text);
        assert_eq!(words, expected.map(|words| words.iter().map(|&word| word.to_owned()).collect()), "{text}");
    }
}
