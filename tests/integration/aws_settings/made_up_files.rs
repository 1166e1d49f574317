//! Made-up files of `~/.aws`: realistic and nasty lines, and damage.

use fastrand::Rng;

use super::pick;

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
pub(super) fn file(rng: &mut Rng) -> Vec<u8> {
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
