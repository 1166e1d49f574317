//! Reads one file: splits it into events, skips those that can't be about STS, and parses the others.

use std::collections::HashSet;
use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};

use super::batch::{Batch, Damage};
use super::export;
use super::location::Location;
use super::prefilter::Prefilter;
use super::split::{BLOCK, Clues, Piece, Splitter};
use super::stream::{Input, fill, open};
use crate::impact::event::{self, EventFacts, Parsed, Reason};
use crate::org::AccountId;

/// How many decompressed bytes are read at a time. They stay in the cache between the decompression and the search.
const CHUNK: usize = 128 << 10;
const _: () = assert!(CHUNK.is_multiple_of(BLOCK));

/// How many events of each file are parsed to find out what the events are like.
const SAMPLE: u32 = 2;

/// How many proofs are remembered, so that an hour is proved once.
const MAX_PROOFS: usize = 50_000;

/// The numbers that the progress shows.
#[derive(Debug, Default)]
pub struct Counters {
    /// The bytes that were read, compressed as they are.
    pub bytes: AtomicU64,
    /// The events that were found.
    pub events: AtomicU64,
    /// The files that were read.
    pub files: AtomicU64,
}

/// Reads files one after the other, and passes on what it finds.
pub(super) struct Reader<'a, F> {
    prefilter: Prefilter,
    with_addresses: bool,
    counters: &'a Counters,
    pass_on: F,
    buffer: Vec<u8>,
    /// Accounts and hours that are proved to have read events.
    proofs: HashSet<([u8; 12], [u8; 13])>,
    file: FileState,
}

/// What is known of the file that is being read.
#[derive(Default)]
struct FileState {
    batch: Batch,
    location: Option<Location>,
    sampled: u32,
    events: u64,
    /// Whether the file of a trail has proved its hour: it has the events of some five minutes.
    is_proved: bool,
    /// The first damage.
    damage: Option<String>,
    is_export: bool,
}

impl<'a, F: FnMut(Batch)> Reader<'a, F> {
    pub(super) fn new(with_addresses: bool, counters: &'a Counters, pass_on: F) -> Self {
        Self {
            prefilter: Prefilter::new(),
            with_addresses,
            counters,
            pass_on,
            buffer: vec![0; CHUNK],
            proofs: HashSet::new(),
            file: FileState::default(),
        }
    }

    /// Reads one file.
    pub(super) fn read(&mut self, input: &Input) {
        let location = match input {
            Input::Stdin => None,
            Input::File(path) => path.file_name().and_then(Location::of),
        };
        self.file = FileState { location, ..FileState::default() };
        match open(input, &self.counters.bytes) {
            Ok(mut content) => self.content(&mut *content),
            Err(error) => self.damage(error.to_string()),
        }
        self.counters.files.fetch_add(1, Ordering::Relaxed);
        let file = std::mem::take(&mut self.file);
        let path = || match input {
            Input::Stdin => "-".into(),
            Input::File(path) => path.clone(),
        };
        let damage = file.damage.map(|cause| Damage {
            path: path(),
            cause,
            account: file.location.as_ref().map(|location| location.account),
            matters: file.location.as_ref().is_none_or(|location| location.is_home_region),
        });
        (self.pass_on)(Batch { damage, ..file.batch });
    }

    fn content(&mut self, content: &mut dyn Read) {
        let mut buffer = std::mem::take(&mut self.buffer);
        let (mut length, mut error) = fill(content, &mut buffer);
        let text = buffer[..length].strip_prefix(b"\xef\xbb\xbf").unwrap_or(&buffer[..length]).trim_ascii_start();
        if matches!(text.first(), None | Some(b'{' | b'[')) {
            let mut splitter = Splitter::default();
            while length == buffer.len() && error.is_none() {
                splitter.push(&buffer, &mut |piece| self.piece(piece));
                (length, error) = fill(content, &mut buffer);
            }
            splitter.finish(&buffer[..length], &mut |piece| self.piece(piece));
            // The cause is the error, and not that the text ends too early.
            if let Some(error) = error {
                self.file.damage = Some(error.to_string());
            }
        } else {
            self.file.is_export = true;
            let rest = error.is_none().then_some(content);
            if let Err(cause) = export::read(&buffer[..length], rest, &mut |json| self.export_row(json)) {
                self.damage(cause);
            } else if let Some(error) = error {
                self.damage(error.to_string());
            }
        }
        self.counters.events.fetch_add(self.file.events % EVENTS, Ordering::Relaxed);
        self.buffer = buffer;
    }

    fn piece(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Event { text, clues } => self.event(text, clues),
            Piece::TooLarge => {
                self.count();
                self.damage(format!("an event has more than {} MiB", super::split::MAX_EVENT >> 20));
            }
            Piece::Damage(cause) => self.damage(cause.to_owned()),
        }
    }

    /// Handles one event.
    fn event(&mut self, json: &[u8], clues: Clues) {
        self.count();
        if self.prefilter.may_concern_sts(json, clues) {
            match export::unwrapped(json) {
                None => self.parse(json),
                Some(event) => {
                    self.file.is_export = true;
                    self.parse(event.as_bytes());
                }
            }
        } else if self.is_worth_parsing(json) {
            if let Some(facts) = event::facts(json) {
                self.learn(facts);
            } else {
                self.damage("an event is not JSON".to_owned());
            }
        }
    }

    fn export_row(&mut self, row: export::Row<'_>) {
        match row {
            export::Row::Event(json) => {
                self.count();
                self.parse(json);
            }
            export::Row::Hours(account, hours) => {
                let traits = self.file.batch.traits.entry(account).or_default();
                (traits.in_home_region, traits.not_sts, traits.reads) = (true, true, true);
                self.file.batch.hours.extend(hours.into_iter().map(|hour| (account, hour)));
                self.pass_on_if_full();
            }
        }
    }

    fn parse(&mut self, json: &[u8]) {
        match event::parse(json, self.with_addresses) {
            Parsed::Other(facts) => self.learn(facts),
            Parsed::Session(sighting) => {
                let traits = self.file.batch.traits.entry(sighting.recipient).or_default();
                traits.in_export |= self.file.is_export;
                self.file.batch.sightings.push(*sighting);
            }
            Parsed::NotUnderstood(not_understood) => {
                if not_understood.reason == Reason::NotJson {
                    self.damage("an event is not JSON".to_owned());
                }
                self.file.batch.not_understood.push(not_understood);
            }
        }
        self.pass_on_if_full();
    }

    /// Whether the event can tell anything new about the coverage.
    fn is_worth_parsing(&mut self, json: &[u8]) -> bool {
        if self.file.sampled < SAMPLE {
            self.file.sampled += 1;
            return true;
        }
        if self.file.is_proved || self.file.location.as_ref().is_some_and(|location| !location.is_home_region) {
            return false;
        }
        self.prefilter.seems_to_read(json)
            && self.prefilter.account_and_hour(json).is_none_or(|proof| !self.proofs.contains(&proof))
    }

    /// Keeps what an event says about the coverage of its account.
    fn learn(&mut self, facts: EventFacts) {
        let EventFacts { recipient: Some(account), time, in_home_region, reads, is_sts } = facts else { return };
        let is_export = self.file.is_export;
        let traits = self.file.batch.traits.entry(account).or_default();
        traits.in_home_region |= in_home_region;
        traits.elsewhere |= !in_home_region;
        traits.not_sts |= !is_sts;
        traits.in_export |= is_export;
        if !(in_home_region && reads && !is_sts) {
            return;
        }
        traits.reads = true;
        let Some(time) = time else { return };
        // An export may have only some of the hour's events.
        if is_export {
            return;
        }
        self.file.is_proved = self.file.location.as_ref().is_some_and(|location| location.account == account);
        self.remember_proof(account, time);
        self.file.batch.hours.insert((account, time / 3600 * 3600));
        self.pass_on_if_full();
    }

    fn remember_proof(&mut self, account: AccountId, time: u64) {
        if self.proofs.len() >= MAX_PROOFS {
            self.proofs.clear();
        }
        let (account, time) = (account.to_string(), crate::timestamp::from_seconds(time));
        if let (Some(account), Some(hour)) = (account.as_bytes().first_chunk(), time.as_bytes().first_chunk()) {
            self.proofs.insert((*account, *hour));
        }
    }

    fn count(&mut self) {
        self.file.events += 1;
        if self.file.events.is_multiple_of(EVENTS) {
            self.counters.events.fetch_add(EVENTS, Ordering::Relaxed);
        }
    }

    fn damage(&mut self, cause: String) {
        self.file.damage.get_or_insert(cause);
    }

    fn pass_on_if_full(&mut self) {
        if self.file.batch.is_full() {
            (self.pass_on)(std::mem::take(&mut self.file.batch));
        }
    }
}

/// After how many events the progress is told.
const EVENTS: u64 = 1024;
