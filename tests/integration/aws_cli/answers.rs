//! The answers of the recorder, by the names that the cases use.

/// The answer to a request.
#[derive(Clone)]
pub(super) enum Answer {
    /// An HTTP answer; the body may depend on that of the request.
    Http { status: u16, body: fn(&str) -> String },
    /// These bytes; then the connection closes.
    Bytes(&'static str),
    /// The connection closes without an answer.
    Closed,
    /// No answer, for longer than any client waits.
    Never,
}

/// Parses the answers of a case: names separated by commas.
pub(super) fn named(names: &str) -> Vec<Answer> {
    names.split(',').map(|name| one(name.trim())).collect()
}

fn one(name: &str) -> Answer {
    let http = |status, body| Answer::Http { status, body };
    match name {
        "ok" => http(200, success),
        "ids" => http(200, |_| summary(&[("AccountMFAEnabled", "0"), ("Users", " 7 ")])),
        "many" => http(200, |_| summary(&MANY)),
        "none" => http(200, |_| "<R><GetAccountSummaryResult/></R>".to_owned()),
        "noresult" => http(200, |_| "<R/>".to_owned()),
        "badint" => http(200, |_| summary(&[("Users", "many")])),
        "badtag" => http(200, |_| {
            "<R><GetAccountSummaryResult><SummaryMap><entry><x/></entry></SummaryMap></GetAccountSummaryResult></R>"
                .to_owned()
        }),
        "empty" => http(200, |_| String::new()),
        "text" => http(200, |_| "hello".to_owned()),
        "page" => http(200, |_| "<html><body>welcome</body></html>".to_owned()),
        "broken" => http(200, |_| "<R><GetAccountSummaryResult>".to_owned()),
        "throttle" => http(400, |_| refusal("Throttling", "Rate exceeded")),
        "limit" => http(400, |_| refusal("RequestLimitExceeded", "Request limit exceeded.")),
        "denied" => http(403, |_| refusal("AccessDenied", "User: x is not authorized to perform: iam:y")),
        "validation" => http(400, |_| refusal("ValidationError", "1 validation error detected")),
        "expired" => http(403, |_| refusal("ExpiredToken", "The security token included in the request is expired")),
        "unicode" => http(400, |_| refusal("Ünïcode", "a &lt; b &amp; \u{201c}c\u{201d}")),
        "failure" => http(500, |_| refusal("ServiceFailure", "Internal failure")),
        "errors" => {
            http(400, |_| "<R><Errors><Error><Code>Old</Code><Message>style</Message></Error></Errors></R>".to_owned())
        }
        "nameless" => http(400, |_| "<R/>".to_owned()),
        "codeless" => http(400, |_| "<R><Error><Message>m</Message></Error></R>".to_owned()),
        "404page" => http(404, |_| "<html>not here".to_owned()),
        "429" => http(429, |_| refusal("TooManyRequestsException", "slow down")),
        "500" => http(500, |_| String::new()),
        "500text" => http(500, |_| "oops".to_owned()),
        "502" => http(502, |_| "<html><body>bad gateway</body></html>".to_owned()),
        "503" => http(503, |_| "  <html>busy</html>".to_owned()),
        "504" => http(504, |_| String::new()),
        "501" => http(501, |_| refusal("NotImplemented", "no")),
        "599" => http(599, |_| String::new()),
        "300" => http(300, |_| "<R/>".to_owned()),
        "302" => http(302, |_| "<R/>".to_owned()),
        "close" => Answer::Closed,
        "never" => Answer::Never,
        "garbage" => Answer::Bytes("\u{1}\u{2}\u{3} this is not HTTP\r\n\r\n"),
        "cut" => Answer::Bytes("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<R>"),
        other => panic!("there is no answer {other:?}"),
    }
}

fn success(request: &str) -> String {
    if request.contains("Action=GetAccountSummary") {
        // Neither in alphabetical order nor in the order of the API's documentation.
        return summary(&[("Users", "3"), ("GlobalEndpointTokenVersion", "2"), ("AccountMFAEnabled", "1")]);
    }
    "<SetSecurityTokenServicePreferencesResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ResponseMetadata>\
     <RequestId>1b2c</RequestId></ResponseMetadata></SetSecurityTokenServicePreferencesResponse>"
        .to_owned()
}

fn summary(entries: &[(&str, &str)]) -> String {
    let entry = |(key, value): &(&str, &str)| format!("<entry><key>{key}</key><value>{value}</value></entry>");
    let entries = entries.iter().map(entry).collect::<Vec<_>>().join("\n");
    format!(
        "<GetAccountSummaryResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\n<GetAccountSummaryResult>\n\
         <SummaryMap>\n{entries}</SummaryMap></GetAccountSummaryResult><ResponseMetadata><RequestId>85cb9b90</RequestId>\
         </ResponseMetadata></GetAccountSummaryResponse>"
    )
}

fn refusal(code: &str, message: &str) -> String {
    format!(
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>85cb9b90</RequestId></ErrorResponse>"
    )
}

/// As long as a real one.
const MANY: [(&str, &str); 34] = [
    ("GroupPolicySizeQuota", "5120"),
    ("InstanceProfilesQuota", "1000"),
    ("Policies", "6"),
    ("GroupsPerUserQuota", "10"),
    ("InstanceProfiles", "0"),
    ("AttachedPoliciesPerUserQuota", "10"),
    ("Users", "27"),
    ("PoliciesQuota", "1500"),
    ("Providers", "0"),
    ("AccountMFAEnabled", "0"),
    ("AccessKeysPerUserQuota", "2"),
    ("AssumeRolePolicySizeQuota", "2048"),
    ("PolicyVersionsInUseQuota", "10000"),
    ("GlobalEndpointTokenVersion", "1"),
    ("VersionsPerPolicyQuota", "5"),
    ("AttachedPoliciesPerGroupQuota", "10"),
    ("PolicySizeQuota", "6144"),
    ("Groups", "7"),
    ("AccountSigningCertificatesPresent", "0"),
    ("UsersQuota", "5000"),
    ("ServerCertificatesQuota", "20"),
    ("MFADevices", "0"),
    ("UserPolicySizeQuota", "2048"),
    ("PolicyVersionsInUse", "22"),
    ("ServerCertificates", "0"),
    ("Roles", "29"),
    ("RolesQuota", "1000"),
    ("SigningCertificatesPerUserQuota", "2"),
    ("MFADevicesInUse", "0"),
    ("RolePolicySizeQuota", "10240"),
    ("AttachedPoliciesPerRoleQuota", "10"),
    ("AccountAccessKeysPresent", "0"),
    ("AccountPasswordPresent", "1"),
    ("GroupsQuota", "300"),
];
