//! This module owns the calls of STS: who the caller is, and the sessions in the accounts.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws_sdk_sts::types::PolicyDescriptorType;

use super::super::{Answer, Effect, Failure, FailureKind, Operation, OwnCode};
use super::call::call;
use super::error::without_credentials;
use super::session::{Session, SessionOptions};
use crate::org::caller::account_in_arn;
use crate::org::{AccountId, Caller, Partition};

/// How long a session as root lasts: the most that AssumeRoot gives (STS API reference).
const ROOT_SESSION: Duration = Duration::from_mins(15);

/// Asks once who the caller is.
pub(super) async fn caller(client: &Client) -> Result<Answer<Caller>, Failure> {
    let Answer { value, request_id } = caller_identity(client).await?;
    let caller = Caller::from_api(value.account(), value.arn())
        .map_err(|error| unreadable(Operation::GetCallerIdentity, error.to_string(), request_id.clone()))?;
    Ok(Answer { value: caller, request_id })
}

/// Calls GetCallerIdentity once.
pub(super) async fn caller_identity(client: &Client) -> Result<Answer<GetCallerIdentityOutput>, Failure> {
    call(Operation::GetCallerIdentity, None, client.get_caller_identity().send()).await
}

/// Enters the account that the caller is in: with the base credentials of this moment, after proving that it is they that are
/// in the account. What is set is set with the same ones, whatever becomes of the profile meanwhile.
pub(super) async fn own_session(
    client: &Client,
    base: Option<SharedCredentialsProvider>,
    account: AccountId,
) -> Result<Answer<Session>, Failure> {
    let operation = Operation::GetCallerIdentity;
    let none = || Failure {
        kind: FailureKind::Credentials,
        ..Failure::own(operation, OwnCode::NoCredentials, "there are no base credentials".to_owned())
    };
    let base = base.ok_or_else(none)?;
    let credentials = base.provide_credentials().await.map_err(|error| without_credentials(operation, &error))?;
    let session = SharedCredentialsProvider::new(credentials);
    let with = Builder::new().credentials_provider(session.clone());
    let request = client.get_caller_identity().customize().config_override(with).send();
    let Answer { value, request_id } = call(operation, Some(account), request).await?;
    let found = value.account().and_then(|id| id.parse().ok());
    check_account(operation, account, found, value.arn(), request_id.as_deref())?;
    Ok(Answer { value: Session { account, credentials: session }, request_id })
}

/// Assumes the role, and proves by the answer that the session is in the account.
pub(super) async fn assume_role(
    client: &Client,
    account: AccountId,
    role_arn: &str,
    terms: &SessionOptions,
) -> Result<Answer<Session>, Failure> {
    let operation = Operation::AssumeRole;
    let seconds = i32::try_from(terms.duration.as_secs()).unwrap_or(i32::MAX);
    let request = client
        .assume_role()
        .role_arn(role_arn)
        .role_session_name(&terms.name)
        .duration_seconds(seconds)
        .set_source_identity(terms.source_identity.clone())
        .set_external_id(terms.external_id_for(account).map(|secret| secret.reveal().to_owned()))
        .set_policy(terms.policy.clone());
    let Answer { value, request_id } = call(operation, Some(account), request.send()).await?;
    let user = value.assumed_role_user().map(aws_sdk_sts::types::AssumedRoleUser::arn);
    check_account(operation, account, user.and_then(account_in_arn), user, request_id.as_deref())?;
    session(operation, account, value.credentials(), request_id)
}

/// Opens a session as the account's root user that may only read. STS opens it in the account that the request names, and
/// nothing is ever set with it, so no further proof of the account is asked for.
pub(super) async fn assume_root(
    client: &Client,
    partition: &Partition,
    account: AccountId,
) -> Result<Answer<Session>, Failure> {
    let operation = Operation::AssumeRoot;
    let policy = PolicyDescriptorType::builder().arn(audit_task_policy(partition)).build();
    let seconds = i32::try_from(ROOT_SESSION.as_secs()).expect("a quarter of an hour fits");
    let request =
        client.assume_root().target_principal(account.to_string()).task_policy_arn(policy).duration_seconds(seconds);
    let Answer { value, request_id } = call(operation, Some(account), request.send()).await?;
    session(operation, account, value.credentials(), request_id)
}

/// The task policy that allows reading the account summary, and no change (IAM user guide, "Perform a privileged task on a
/// member account").
pub(crate) fn audit_task_policy(partition: &Partition) -> String {
    format!("arn:{partition}:iam::aws:policy/root-task/IAMAuditRootUserCredentials")
}

/// Returns the session with the credentials of an answer.
fn session(
    operation: Operation,
    account: AccountId,
    issued: Option<&aws_sdk_sts::types::Credentials>,
    request_id: Option<String>,
) -> Result<Answer<Session>, Failure> {
    let credentials = SharedCredentialsProvider::new(credentials(operation, issued, request_id.as_deref())?);
    Ok(Answer { value: Session { account, credentials }, request_id })
}

/// Credentials out of an answer.
pub(super) fn credentials(
    operation: Operation,
    issued: Option<&aws_sdk_sts::types::Credentials>,
    request_id: Option<&str>,
) -> Result<Credentials, Failure> {
    let complete = |issued: &&aws_sdk_sts::types::Credentials| {
        ![issued.access_key_id(), issued.secret_access_key(), issued.session_token()].contains(&"")
    };
    let issued = issued.filter(complete).ok_or_else(|| {
        unreadable(operation, "the answer holds no credentials".to_owned(), request_id.map(str::to_owned))
    })?;
    Ok(Credentials::new(
        issued.access_key_id(),
        issued.secret_access_key(),
        Some(issued.session_token().to_owned()),
        std::time::SystemTime::try_from(*issued.expiration()).ok(),
        "v2token",
    ))
}

/// Refuses a session that is not in the wanted account.
fn check_account(
    operation: Operation,
    wanted: AccountId,
    found: Option<AccountId>,
    arn: Option<&str>,
    request_id: Option<&str>,
) -> Result<(), Failure> {
    if found == Some(wanted) {
        return Ok(());
    }
    let who = arn.filter(|arn| !arn.is_empty()).unwrap_or("nobody");
    let message = format!("the session belongs to {who}, not to account {wanted}");
    Err(Failure {
        request_id: request_id.map(str::to_owned),
        ..Failure::own(operation, OwnCode::WrongAccount, message)
    })
}

fn unreadable(operation: Operation, message: String, request_id: Option<String>) -> Failure {
    Failure {
        kind: FailureKind::Transient,
        effect: Effect::Unknown,
        request_id,
        ..Failure::own(operation, OwnCode::UnreadableAnswer, message)
    }
}
