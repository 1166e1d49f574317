//! Properties that hold for any answer and any profile: a session is only accepted for the right account, and no secret is
//! printed.

use std::collections::HashMap;
use std::sync::OnceLock;

use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::types::SummaryKeyType;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use tokio::runtime::Runtime;

use super::organizations::members::RequiredMembers;
use super::session::{Session, SessionOptions};
use super::{iam, organizations, sts};
use crate::Failure;
use crate::aws_settings::AwsSettings;
use crate::org::{AccountId, Caller, ObservedVersion, TokenVersion};

/// The requested account.
const ACCOUNT: &str = "000000000012";
/// The prefix of the secrets in the seeds.
const SECRET: &str = "canary-secret";
/// The HTTP statuses that answers have.
const STATUSES: [u16; 8] = [200, 200, 200, 400, 403, 429, 500, 503];

/// An HTTP client that always returns the same answer.
#[derive(Clone, Debug)]
pub(super) struct FixedAnswer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

impl HttpClient for FixedAnswer {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for FixedAnswer {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let status = StatusCode::try_from(self.status).expect("a status of HTTP");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from(self.body.clone()))))
    }
}

/// Makes every call of a run, each with these bytes as its answer. The first byte selects the HTTP status.
pub fn answer(bytes: &[u8]) {
    let Some((first, body)) = bytes.split_first() else { return };
    let always = FixedAnswer { status: STATUSES[usize::from(*first) % STATUSES.len()], body: body.to_vec() };
    let text = String::from_utf8_lossy(body).into_owned();
    with_runtime(|runtime| runtime.block_on(ask(&always, &text)));
}

async fn ask(always: &FixedAnswer, text: &str) {
    let account = ACCOUNT.parse::<AccountId>().expect("an id");
    let config = aws_config::SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(credentials())
        .retry_config(RetryConfig::disabled())
        .http_client(SharedHttpClient::new(always.clone()))
        .build();
    let (sts_client, iam_client) = (aws_sdk_sts::Client::new(&config), aws_sdk_iam::Client::new(&config));
    let for_organizations = aws_sdk_organizations::config::Builder::from(&config).interceptor(RequiredMembers);
    let organizations_client = aws_sdk_organizations::Client::from_conf(for_organizations.build());
    let is_in_answer = |what: &str| assert!(text.contains(what), "a version without {what} in the answer");
    // Only the answer of a successful call might contain credentials, so only a failure to read such an answer is checked. The
    // message of a refusal is the service's own text, which a failure may quote.
    let may_hold_credentials = always.status < 400 && has_secrets_only_in_credentials(text);
    let hides_secrets = |failure: &Failure| {
        assert!(!may_hold_credentials || !failure.to_string().contains(SECRET), "{failure}");
        assert!(!failure.code.as_str().is_empty(), "every failure has a cause");
    };

    let role = format!("arn:aws:iam::{ACCOUNT}:role/R");
    let sessions = [
        sts::assume_role(&sts_client, account, role, &SessionOptions::default()).await,
        sts::own_session(&sts_client, Some(credentials()), account).await,
    ];
    for session in sessions {
        match session {
            Ok(answer) => {
                assert_eq!(answer.value.account, account);
                assert!(
                    always.status < 400 && names(text, account),
                    "the session is not proven to be in {account}: {text}"
                );
            }
            Err(failure) => hides_secrets(&failure),
        }
    }
    let caller = Caller::from_api(Some(ACCOUNT), Some("arn:aws:iam::000000000012:user/x")).expect("a caller");
    if let Err(failure) = sts::assume_root(&sts_client, &caller.partition, account).await {
        hides_secrets(&failure);
    }
    drop(sts::caller(&sts_client).await);

    let session =
        Session::new(account, Credentials::new("AKIDEXAMPLE", "secret", Some("token".to_owned()), None, "outside"));
    let version = iam::token_version(&iam_client, &session).await;
    // The SDK's parser alone accepts the same answers, and reads the same version from them.
    let whole = iam::summary(&iam_client).send().await.ok().and_then(|whole| whole.summary_map);
    let entry = |map: HashMap<SummaryKeyType, i32>| map.get(&SummaryKeyType::GlobalEndpointTokenVersion).copied();
    let read_whole = whole.filter(|map| !map.is_empty()).map(|map| ObservedVersion::from_summary(entry(map)));
    assert_eq!(version.as_ref().ok().map(|answer| answer.value), read_whole, "{text}");
    match version {
        Ok(answer) if answer.value == ObservedVersion::Unknown => {}
        Ok(_) => is_in_answer("SummaryMap"),
        Err(failure) => hides_secrets(&failure),
    }
    match iam::set_token_version(&iam_client, &session, TokenVersion::V2Token).await {
        Ok(_) => assert!(always.status < 400, "a refusal is no success"),
        Err(failure) => hides_secrets(&failure),
    }
    if let Ok(organization) = organizations::describe(&organizations_client, 1).await {
        assert!(always.status < 400 && !organization.id.is_empty() || text.contains("Id"));
    }
    let mut listed = 0;
    match organizations::for_each_account(&organizations_client, 1, false, |_, _| listed += 1).await {
        Ok(_) => assert!(listed > 0 && always.status < 400),
        // If the answer has another text where an account id belongs, the error quotes this text, and the text could be the
        // secret. A JSON answer is exempt from the check, because it contains no credentials.
        Err(error) => {
            let is_json = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert!(!may_hold_credentials || is_json || !error.to_string().contains(SECRET), "{error}");
        }
    }
}

/// Whether the answer contains secrets only in credentials, and not in a name or an ARN, which messages can quote.
fn has_secrets_only_in_credentials(text: &str) -> bool {
    let mut rest = text.to_owned();
    for element in ["SecretAccessKey", "SessionToken"] {
        let (start, end) = (format!("<{element}>"), format!("</{element}>"));
        while let Some((before, (_, after))) = rest.split_once(&start).and_then(|(b, a)| Some((b, a.split_once(&end)?)))
        {
            rest = format!("{before}{after}");
        }
    }
    !rest.contains(SECRET)
}

/// Whether an answer names the account, in an ARN or by its number, according to another XML parser.
fn names(text: &str, account: AccountId) -> bool {
    let Ok(document) = roxmltree::Document::parse(text) else {
        // The SDK's parser is more lenient than this one, but the text must still contain the number, or a character reference
        // (`&#…`) that may stand for one of its digits.
        return text.contains(ACCOUNT) || text.contains("&#");
    };
    document.descendants().filter_map(|node| node.text()).any(|text| text.contains(&account.to_string()))
}

fn credentials() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new("AKIDEXAMPLE", "secret", Some("token".to_owned()), None, "outside"))
}

/// Checks that, for any `~/.aws/config`, the search for a source of credentials ends, and that neither the source's text nor the
/// error contains a secret.
pub fn profile(bytes: &[u8]) {
    let none = std::iter::empty::<(String, String)>;
    let source = AwsSettings::of_contents(Some("p"), none().collect(), bytes, b"")
        .and_then(|settings| settings.credential_source());
    // The program shows the source in the question before a run, and the error at its end, so neither may contain a secret.
    let printed = source.map_or_else(|error| error.to_string(), |source| source.to_string());
    assert!(!printed.contains(SECRET), "{printed}");
}

fn with_runtime<T>(work: impl FnOnce(&Runtime) -> T) -> T {
    thread_local! {
        static RUNTIME: OnceLock<Runtime> = const { OnceLock::new() };
    }
    let make = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    RUNTIME.with(|runtime| work(runtime.get_or_init(make)))
}
