//! The home folder of a row: its files, its environment, and the command lines of the three columns.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::answers::{LOGIN, soon, written};
use super::row::{Entry, Row};
use super::world::World;
use super::{secret_of, token_of};
use crate::python;

pub(super) struct Home {
    pub(super) folder: PathBuf,
    pub(super) stdout: PathBuf,
    pub(super) stderr: PathBuf,
    places: Vec<(&'static str, String)>,
    /// The authority of the world, and one that has nothing to do with it.
    authorities: [String; 2],
}

impl Home {
    pub(super) fn new(scratch: &Path, world: &World, authorities: [String; 2]) -> Self {
        let folder = scratch.join("home");
        fs::create_dir_all(&folder).expect("a writable folder");
        let places = vec![
            ("{home}", folder.display().to_string()),
            ("{plain}", format!("http://{}", world.plain)),
            ("{plain-port}", world.plain.port().to_string()),
            ("{tls}", format!("https://localhost:{}", world.tls.port())),
            ("{tls-port}", world.tls.port().to_string()),
            ("{proxy}", format!("http://{}", world.plain)),
            ("{proxy-address}", world.plain.to_string()),
            ("{second}", format!("http://{}", world.second)),
            ("{second-address}", world.second.to_string()),
            ("{second-port}", world.second.port().to_string()),
            ("{login}", LOGIN.to_owned()),
            ("{past}", "2020-01-01T00:00:00Z".to_owned()),
            ("{future}", written(soon() + Duration::from_hours(2))),
        ];
        Self { folder, stdout: scratch.join("stdout"), stderr: scratch.join("stderr"), places, authorities }
    }

    /// The text with the addresses of the world, and of the home folder, replaced by their placeholders.
    pub(super) fn anonymous(&self, text: &str) -> String {
        let places = self.places.iter().filter(|(name, _)| ["{home}", "{plain}", "{tls}", "{second}"].contains(name));
        let text = places.fold(text.to_owned(), |text, (name, place)| text.replace(place, name));
        let ports = self.places.iter().filter(|(name, _)| name.ends_with("-port}"));
        ports.fold(text, |text, (name, port)| text.replace(port, name))
    }

    pub(super) fn fill(&self, text: &str) -> String {
        let mut text = self.places.iter().fold(text.to_owned(), |text, (name, place)| text.replace(name, place));
        // Credentials in the form of a profile, and in that of a process: of a user, of a session, and expired ones.
        while let Some((before, rest)) = text.split_once('{').filter(|(_, rest)| is_credentials(rest)) {
            let (words, after) = rest.split_once('}').expect("a closing brace");
            text = format!("{before}{}{after}", credentials(words));
        }
        text
    }

    /// Writes the files of a row into an empty home folder.
    pub(super) fn furnish(&self, row: &Row) {
        python::remove(&self.folder);
        fs::create_dir_all(&self.folder).expect("a writable folder");
        for (name, pem) in ["ca.pem", "other-ca.pem"].iter().zip(&self.authorities) {
            fs::write(self.folder.join(name), pem).expect("a writable folder");
        }
        for (path, entry) in &row.files {
            let path = self.folder.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
            match entry {
                Entry::Folder => fs::create_dir_all(&path).expect("a writable folder"),
                Entry::File(bytes) => fs::write(&path, self.fill_bytes(bytes)).expect("a writable folder"),
                Entry::Closed(bytes) => {
                    fs::write(&path, self.fill_bytes(bytes)).expect("a writable folder");
                    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).expect("our own file");
                }
            }
        }
    }

    /// Fills in the placeholders of a file that need not be text.
    fn fill_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        std::str::from_utf8(bytes).map_or_else(|_| bytes.to_vec(), |text| self.fill(text).into_bytes())
    }

    /// The environment before the changes of a row: a proxy that plays all of AWS, and an instance with a role.
    pub(super) fn surroundings(&self) -> BTreeMap<String, String> {
        let mut surroundings: BTreeMap<String, String> = [
            ("HOME", "{home}"),
            ("LANG", "C.UTF-8"),
            ("HTTPS_PROXY", "{proxy}"),
            ("AWS_CA_BUNDLE", "{home}/ca.pem"),
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{plain}"),
            ("AWS_METADATA_SERVICE_TIMEOUT", "10"),
            ("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "2"),
            // A call that can't succeed is not repeated.
            ("AWS_MAX_ATTEMPTS", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), self.fill(value)))
        .into();
        surroundings.extend(std::env::var("PATH").map(|path| ("PATH".to_owned(), path)));
        surroundings
    }

    pub(super) fn environment(&self, row: &Row) -> BTreeMap<String, String> {
        let mut environment = self.surroundings();
        for (name, value) in &row.environment {
            match value {
                Some(value) => environment.insert(name.clone(), self.fill(value)),
                None => environment.remove(name),
            };
        }
        environment
    }

    /// The command line of a program: these words, and the options of the row.
    pub(super) fn arguments(&self, row: &Row, words: &[&str]) -> Vec<String> {
        let own = if words[0] == "plan" { row.rollout_arguments.as_slice() } else { &[] };
        let words = words.iter().map(|word| (*word).to_owned());
        words.chain(row.arguments.iter().chain(own).map(|argument| self.fill(argument))).collect()
    }
}

/// Whether no file is closed to this user, as for root.
pub(super) fn can_read_closed_files(scratch: &Path) -> bool {
    let path = scratch.join("closed");
    fs::write(&path, "").expect("a writable folder");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o0)).expect("our own file");
    fs::File::open(&path).is_ok()
}

fn is_credentials(rest: &str) -> bool {
    ["keys ", "session ", "process ", "expired ", "cached "].iter().any(|kind| rest.starts_with(kind))
}

fn credentials(words: &str) -> String {
    let (kind, of) = words.split_once(' ').expect("two words");
    let key = if kind == "keys" { format!("AKIA_{of}") } else { format!("ASIA_{of}") };
    let (secret, token) = (secret_of(&key), token_of(&key));
    let ini = format!("aws_access_key_id = {key}\naws_secret_access_key = {secret}");
    let expires = written(if kind == "expired" { SystemTime::UNIX_EPOCH } else { soon() });
    let fields = format!(
        r#""AccessKeyId": "{key}", "SecretAccessKey": "{secret}", "SessionToken": "{token}", "Expiration": "{expires}""#
    );
    match kind {
        "keys" => ini,
        "session" => format!("{ini}\naws_session_token = {token}"),
        "process" | "expired" => format!(r#"{{"Version": 1, {fields}}}"#),
        "cached" => format!(r#"{{"Credentials": {{{fields}}}}}"#),
        _ => unreachable!("no such credentials: {words}"),
    }
}
