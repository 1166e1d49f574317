//! The cases: the table in `cases.txt`, and the home folder in which they run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::answers::{self, Answer};
use super::recorder::Recorder;

const TABLE: &str = include_str!("cases.txt");

/// Part of every secret, so that a leak is recognised.
pub(super) const SECRET: &str = "sEcReTmArKeR";

/// One command line.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) answers: Vec<Answer>,
    environment: Vec<String>,
    pub(super) arguments: Vec<String>,
}

impl Case {
    pub(super) fn read(line: &str) -> Self {
        let parts: Vec<&str> = line.splitn(4, "::").map(str::trim).collect();
        let [name, answers, environment, arguments] = parts.as_slice() else { panic!("not a case: {line}") };
        let arguments = words(arguments).into_iter().flat_map(|word| match word.as_str() {
            "SET" => vec!["iam".to_owned(), "set-security-token-service-preferences".to_owned()],
            "GET" => vec!["iam".to_owned(), "get-account-summary".to_owned()],
            _ => vec![word],
        });
        Self {
            name: (*name).to_owned(),
            answers: answers::named(answers),
            environment: words(environment),
            arguments: arguments.collect(),
        }
    }

    /// The output without its random part: the version that the AWS CLI puts into a skeleton.
    pub(super) fn settled(&self, stdout: &str) -> String {
        let skeleton = self.arguments.iter().any(|argument| argument.starts_with("--generate"));
        if skeleton { stdout.replace("v1Token", "v2Token") } else { stdout.to_owned() }
    }

    pub(super) fn is_debug(&self) -> bool {
        self.arguments.last().is_some_and(|argument| argument == "--debug") && self.name.starts_with("debug")
    }
}

/// All cases; their names are unique.
pub(super) fn all() -> Vec<Case> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let cases: Vec<Case> = lines.map(Case::read).collect();
    let names: std::collections::BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(names.len(), cases.len(), "a name is there twice");
    cases
}

/// Splits a text into words at spaces outside quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for character in text.chars() {
        match character {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    assert!(!quoted, "a quote is not closed: {text}");
    words.extend(word);
    words
}

/// The home folder of a run, with its recorder.
pub(super) struct Home {
    pub(super) folder: PathBuf,
    places: Vec<(&'static str, String)>,
}

impl Home {
    pub(super) fn new(folder: &Path, recorder: &Recorder, authority: &str) -> Self {
        std::fs::create_dir_all(folder.join(".aws")).expect("a writable folder");
        let places = vec![
            ("{plain}", format!("http://{}", recorder.plain)),
            ("{plain-port}", recorder.plain.port().to_string()),
            ("{tls}", format!("https://localhost:{}", recorder.tls.port())),
            ("{full}", format!("http://{}", recorder.full)),
            ("{home}", folder.display().to_string()),
            ("{secret}", SECRET.to_owned()),
        ];
        let home = Self { folder: folder.to_owned(), places };
        for (name, contents) in FILES {
            std::fs::write(folder.join(name), home.fill(contents)).expect("a writable folder");
        }
        std::fs::write(folder.join("not-text"), [0xff, 0xfe]).expect("a writable folder");
        std::fs::write(folder.join("authority.pem"), authority).expect("a writable folder");
        home
    }

    /// Replaces the placeholders of folder and endpoint.
    pub(super) fn fill(&self, text: &str) -> String {
        self.places.iter().fold(text.to_owned(), |text, (name, place)| text.replace(name, place))
    }

    pub(super) fn arguments(&self, case: &Case) -> Vec<String> {
        case.arguments.iter().map(|argument| self.fill(argument)).collect()
    }

    /// The files for a run's stdout and stderr.
    pub(super) fn outputs(&self) -> [PathBuf; 2] {
        ["stdout", "stderr"].map(|stream| self.folder.join(stream))
    }

    /// The environment before the changes of a case.
    pub(super) fn surroundings(&self) -> BTreeMap<String, String> {
        let mut surroundings: BTreeMap<String, String> = [
            ("HOME", "{home}"),
            ("LANG", "C.UTF-8"),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "{secret}-environment"),
            ("AWS_DEFAULT_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL_IAM", "{plain}"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), self.fill(value)))
        .into();
        surroundings.extend(std::env::var("PATH").map(|path| ("PATH".to_owned(), path)));
        surroundings
    }

    pub(super) fn environment(&self, case: &Case) -> BTreeMap<String, String> {
        let mut environment = self.surroundings();
        for word in &case.environment {
            match (word.strip_prefix('-'), word.split_once('=')) {
                (Some(name), _) => drop(environment.remove(name)),
                (None, Some((name, value))) => drop(environment.insert(name.to_owned(), self.fill(value))),
                (None, None) => panic!("neither NAME=VALUE nor -NAME: {word}"),
            }
        }
        environment
    }
}

const FILES: [(&str, &str); 8] = [
    ("process.json", "{\"Version\": 1, \"AccessKeyId\": \"AKIAOFPROCESS\", \"SecretAccessKey\": \"{secret}-process\"}"),
    ("version", "v2Token"),
    ("version-with-line-end", "v2Token\n"),
    ("input.json", "{\n  \"GlobalEndpointTokenVersion\": \"v1Token\"\n}\n"),
    (
        ".aws/config",
        "[default]\n\n[profile table]\noutput = table\n\n[profile region]\nregion = eu-south-1\n\n[profile endpoint]\n\
         endpoint_url = {plain}\n\n[profile services]\nservices = local\n\n[services local]\niam =\n  endpoint_url = {plain}\n\n\
         [profile retries]\nmax_attempts = 1\nretry_mode = standard\n\n[profile bundle]\nca_bundle = {home}/authority.pem\n\n\
         [profile process]\ncredential_process = cat {home}/process.json\n",
    ),
    (
        ".aws/credentials",
        "[keys]\naws_access_key_id = AKIAOFTHEPROFILE\naws_secret_access_key = {secret}-profile\n\n\
         [default]\naws_access_key_id = AKIAOFTHEDEFAULT\naws_secret_access_key = {secret}-default\n\n\
         [table]\naws_access_key_id = AKIAOFTABLE\naws_secret_access_key = {secret}-t\n\n\
         [region]\naws_access_key_id = AKIAOFREGION\naws_secret_access_key = {secret}-r\n\n\
         [endpoint]\naws_access_key_id = AKIAOFENDPOINT\naws_secret_access_key = {secret}-e\n\n\
         [services]\naws_access_key_id = AKIAOFSERVICES\naws_secret_access_key = {secret}-s\n\n\
         [retries]\naws_access_key_id = AKIAOFRETRIES\naws_secret_access_key = {secret}-y\n\n\
         [bundle]\naws_access_key_id = AKIAOFBUNDLE\naws_secret_access_key = {secret}-b\n",
    ),
    (
        "other-config",
        "[profile other]\nregion = sa-east-1\naws_access_key_id = AKIAINCONFIG\naws_secret_access_key = {secret}-config\n",
    ),
    (
        "other-credentials",
        "[elsewhere]\naws_access_key_id = AKIAELSEWHERE\naws_secret_access_key = {secret}-elsewhere\naws_session_token = tok\n",
    ),
];
