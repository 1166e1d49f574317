//! Equivalence of requests, by what the service sees, and of stderr, by its meaning.

use super::recorder::Request;

/// Prefixes of messages after which the cause may be worded differently: in one program it comes from OpenSSL and from Python's XML and
/// JSON, in the other from rustls, roxmltree and serde_json.
const KINDS: [&str; 8] = [
    "SSL validation failed for ",
    "Error parsing parameter 'cli-input-json': Invalid JSON: ",
    "Unable to parse response (",
    "Bad value for --query ",
    "Failed to connect to proxy URL: ",
    "An HTTP Client raised an unhandled exception: ",
    "Invalid CA bundle: ",
    "Expected 1 argument for function ",
];

/// The parts of a request that matter to the service: line, host, body, and how it is signed. Without the time and what depends on it,
/// the user agent, and the ids of the invocation.
pub(super) fn of_request(request: &Request) -> Vec<String> {
    let header = |name: &str| format!("{name}: {}", request.header(name).unwrap_or("(none)"));
    let mut seen = vec![request.line.clone(), request.body.clone()];
    seen.extend(["host", "content-type", "content-length", "accept-encoding", "x-amz-security-token"].map(header));
    seen.push(format!("dated: {}", request.header("x-amz-date").is_some_and(|date| date.len() == 16)));
    seen.push(signature(request.header("authorization")));
    seen
}

/// The signer, the service, the Region and the signed headers.
fn signature(authorization: Option<&str>) -> String {
    let Some(authorization) = authorization else { return "unsigned".to_owned() };
    let (algorithm, fields) = authorization.split_once(' ').expect("an algorithm");
    let fields: Vec<&str> = fields.split(", ").filter(|field| !field.starts_with("Signature=")).collect();
    let scope = fields[0].split('/').enumerate().filter(|(at, _)| *at != 1).map(|(_, part)| part);
    format!("{algorithm} {} {}", scope.collect::<Vec<_>>().join("/"), fields[1])
}

/// Whether two texts on stderr mean the same.
pub(super) fn is_same(ours: &str, theirs: &str) -> bool {
    let (ours, theirs) = (message(ours), message(theirs));
    let alike = |kind: &str| ours.starts_with(kind) && theirs.starts_with(kind);
    ours == theirs || KINDS.into_iter().any(alike)
}

/// The text without the usage before it, which names the program, and without the names of Python files.
fn message(stderr: &str) -> String {
    let after = |text: &str, mark: &str| text.split_once(mark).map(|(_, rest)| rest.to_owned());
    let text = after(stderr, ": error: ")
        .or_else(|| after(stderr, "\nUnknown options: "))
        .unwrap_or_else(|| stderr.to_owned());
    // Python prints where a warning was raised, and the source line.
    let warning = after(&text, "InsecureRequestWarning: ");
    if let Some(warning) = warning {
        let (said, rest) = warning.split_once('\n').unwrap_or((&warning, ""));
        let host = said.split('\'').nth(1).unwrap_or_default();
        let rest: Vec<&str> = rest.lines().filter(|line| !line.starts_with("  ")).collect();
        return format!("unverified {host}; {}", message(&rest.join("\n")));
    }
    text.trim().to_owned()
}
