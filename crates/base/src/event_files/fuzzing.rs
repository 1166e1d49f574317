//! The property of files of events: no text makes the reader panic, and what a parser of the whole text finds is not missed.

use serde_json::Value;

use super::export;
use super::prefilter::Prefilter;
use super::split::{BLOCK, Clues, Piece, Splitter};
use crate::impact::event::{Parsed, facts, parse};

/// Any bytes are split into the same events whatever the sizes of the chunks are, and if they are JSON, into all events that a parser
/// finds. No event of STS is skipped, and nothing that is kept has a session token or a key id.
pub fn events(bytes: &[u8]) {
    let found = split(bytes, 1);
    assert_eq!(found, split(bytes, 7), "the sizes of the chunks do not matter");
    let prefilter = Prefilter::new();
    for (event, clues) in &found {
        let _ = facts(event);
        let _ = export::unwrapped(event);
        let Parsed::Session(sighting) = parse(event, true) else { continue };
        assert!(prefilter.may_concern_sts(event, *clues), "{}", String::from_utf8_lossy(event));
        let value: Value = serde_json::from_slice(event).unwrap_or_default();
        let kept = format!("{sighting:?}");
        let credentials = &value["responseElements"]["credentials"];
        for secret in [&credentials["sessionToken"], &value["userIdentity"]["accessKeyId"], &credentials["accessKeyId"]]
        {
            // A short text can be in a name by chance.
            let secret = secret.as_str().filter(|secret| secret.len() >= 16);
            let is_elsewhere = |secret: &str| String::from_utf8_lossy(event).matches(secret).count() > 1;
            assert!(secret.is_none_or(|secret| !kept.contains(secret) || is_elsewhere(secret)), "{kept}");
        }
    }
    if let Ok(Value::Object(document)) = serde_json::from_slice(bytes)
        && let [(name, Value::Array(records))] = document.iter().collect::<Vec<_>>()[..]
        && name == "Records"
        && records.iter().all(Value::is_object)
    {
        let found: Vec<Value> =
            found.iter().map(|(event, _)| serde_json::from_slice(event).unwrap_or_default()).collect();
        assert_eq!(&found, records, "every event is found");
    }
    let _ = export::read(bytes, None, &mut |row| {
        if let export::Row::Event(json) = row {
            let _ = parse(json, false);
        }
    });
}

fn split(bytes: &[u8], blocks: usize) -> Vec<(Vec<u8>, Clues)> {
    let mut events = Vec::new();
    let mut sink = |piece: Piece<'_>| {
        if let Piece::Event { text, clues } = piece {
            events.push((text.to_vec(), clues));
        }
    };
    let mut splitter = Splitter::default();
    let (whole, rest) = bytes.split_at(bytes.len() / (blocks * BLOCK) * (blocks * BLOCK));
    whole.chunks(blocks * BLOCK).for_each(|chunk| splitter.push(chunk, &mut sink));
    splitter.finish(rest, &mut sink);
    events
}
