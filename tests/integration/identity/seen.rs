//! What a program did in a row, in the terms in which the columns are compared.

use std::collections::{BTreeMap, BTreeSet};

use super::answers::MEMBER_ROLE;
use super::home::Home;
use super::row::Row;
use super::world::Request;

/// The fields in which the columns are compared, as the document names them.
pub(super) const FIELDS: [&str; 7] = ["end", "identity", "iam", "sts", "proxy", "roles", "sources"];

/// What there is if nothing was called.
const NOTHING: &str = "-";

/// The result of a program.
pub(super) struct Seen {
    /// By field.
    pub(super) fields: BTreeMap<&'static str, String>,
    pub(super) stderr: String,
    pub(super) last_line: String,
}

impl Seen {
    pub(super) fn new(code: Option<i32>, requests: &[Request], stderr: &str, row: &Row, home: &Home) -> Self {
        let of = |request: &&Request, operation: &str| request.operation() == operation;
        let is_own = |request: &&Request| !key(request).contains(MEMBER_ROLE);
        let own: Vec<&Request> = requests.iter().filter(is_own).collect();
        let all = |operation: &str| own.iter().copied().filter(|request| of(request, operation)).collect::<Vec<_>>();
        let (iam, sts) = (all("GetAccountSummary"), all("GetCallerIdentity"));
        let place = |request: &Request| {
            let region = request.signature.as_ref().map_or("unsigned", |signature| &signature.region);
            home.anonymous(&format!("{region} {}://{}", request.route.scheme, request.route.host.to_lowercase()))
        };
        let via = |request: &Request| home.anonymous(&request.route.via);
        let roles = all("AssumeRole").into_iter().chain(all("AssumeRoleWithWebIdentity"));
        let roles = roles.filter(|request| !parameter(request, "RoleArn").contains(MEMBER_ROLE));
        let both = || iam.iter().chain(&sts).copied();
        // A process of a row writes a line into this file whenever it starts.
        let starts = std::fs::read_to_string(home.folder.join("starts")).ok();
        let starts = starts.map(|starts| format!("process, {} times", starts.lines().count()));
        let end = match code {
            Some(0) => "ok".to_owned(),
            Some(_) => "stops".to_owned(),
            None => "is killed".to_owned(),
        };
        let fields = [
            ("end", end),
            ("identity", list(both().map(key))),
            ("iam", list(iam.iter().map(|request| place(request)))),
            ("sts", list(sts.iter().map(|request| place(request)))),
            ("proxy", list(both().map(via).collect::<BTreeSet<_>>().into_iter())),
            ("roles", list(roles.map(|request| format!("{} {}", role(request, row), place(request))))),
            ("sources", list(requests.iter().filter_map(source).chain(starts))),
        ]
        .into();
        // Hints follow an error of the rollout, and notes a panic.
        let lines: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty()).collect();
        let is_error = |line: &&str| line.starts_with("error:") || line.contains("panicked at");
        let last_line = lines.iter().copied().rfind(is_error).or(lines.last().copied()).unwrap_or_default();
        Self { fields, stderr: stderr.to_owned(), last_line: home.anonymous(last_line) }
    }

    pub(super) fn is_ok(&self) -> bool {
        self.fields["end"] == "ok"
    }

    pub(super) fn field(&self, name: &str) -> &str {
        &self.fields[name]
    }
}

/// The different values, in order.
fn list(values: impl Iterator<Item = String>) -> String {
    let values: BTreeSet<String> = values.collect();
    if values.is_empty() { NOTHING.to_owned() } else { values.into_iter().collect::<Vec<_>>().join("; ") }
}

fn key(request: &Request) -> String {
    request.signature.as_ref().map_or_else(|| "nobody".to_owned(), |signature| signature.key.clone())
}

fn parameter(request: &Request, name: &str) -> String {
    request.parameter(name).unwrap_or_default()
}

/// A role that is assumed. A session name that the row does not give is generated.
fn role(request: &Request, row: &Row) -> String {
    let name = parameter(request, "RoleSessionName");
    let session = if row.text.contains(&name) { name } else { "(generated)".to_owned() };
    let arn = parameter(request, "RoleArn");
    let mut text = format!("{} by {} as {session}", arn.rsplit('/').next().unwrap_or_default(), key(request));
    for name in ["ExternalId", "SerialNumber", "DurationSeconds"] {
        if let Some(value) = request.parameter(name) {
            text.push_str(&format!(" {name}={value}"));
        }
    }
    text
}

/// The service that is asked for credentials or for a Region.
fn source(request: &Request) -> Option<String> {
    let name = match request.path.as_str() {
        path if path.contains("/placement/") => "instance's Region",
        path if path.starts_with("/latest/") => "instance",
        path if path.starts_with("/container") => "container",
        "/federation/credentials" => return Some(format!("portal {}", request.route.host)),
        "/token" => return Some(format!("login {}", request.route.host)),
        _ => return None,
    };
    Some(name.to_owned())
}
