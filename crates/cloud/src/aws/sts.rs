//! The calls of STS: GetCallerIdentity, and the calls that open sessions in the accounts.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;
use aws_sdk_sts::types::{AssumedRoleUser, PolicyDescriptorType};

use super::super::{Answer, Failure, FailureKind, Operation, OwnCode, TokenSize};
use super::call::call;
use super::credentials::check;
use super::error::{incomplete, without_credentials};
use super::session::{Session, SessionOptions};
use crate::org::caller::account_in_arn;
use crate::org::{AccountId, Caller, Partition};

/// The duration of a session as root user: the maximum of AssumeRoot (STS API reference).
const ROOT_SESSION: Duration = Duration::from_mins(15);

/// Returns the caller, with one attempt of GetCallerIdentity.
pub(super) async fn caller(client: &Client) -> Result<Answer<Caller>, Failure> {
    let Answer { value, request_id } = caller_identity(client).await?;
    let caller = Caller::from_api(value.account(), value.arn())
        .map_err(|error| incomplete(Operation::GetCallerIdentity, &error.to_string(), request_id.as_deref()))?;
    Ok(Answer { value: caller, request_id })
}

/// Makes one attempt of GetCallerIdentity.
pub(super) async fn caller_identity(client: &Client) -> Result<Answer<GetCallerIdentityOutput>, Failure> {
    call(Operation::GetCallerIdentity, None, client.get_caller_identity().send()).await
}

/// Returns a session in the account that the credentials belong to, after GetCallerIdentity has confirmed the account. The
/// session keeps these credentials, so that a later change of the profile can't lead to another account.
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
    let session = Session::new(account, credentials);
    let with = Builder::new().credentials_provider(session.credentials.clone());
    let request = client.get_caller_identity().customize().config_override(with).send();
    let Answer { value, request_id } = call(operation, Some(account), request).await?;
    let caller = Caller::from_api(value.account(), value.arn())
        .map_err(|_| incomplete(operation, "it lacks a usable account and ARN", request_id.as_deref()))?;
    check_account(operation, account, Some(caller.account), &caller.arn, request_id.as_deref())?;
    Ok(Answer { value: session, request_id })
}

/// Assumes the role, and checks in the answer that the session belongs to the account.
pub(super) async fn assume_role(
    client: &Client,
    account: AccountId,
    role_arn: String,
    options: &SessionOptions,
) -> Result<Answer<Session>, Failure> {
    let operation = Operation::AssumeRole;
    let seconds = i32::try_from(options.duration.as_secs()).unwrap_or(i32::MAX);
    let request = client
        .assume_role()
        .role_arn(role_arn)
        .role_session_name(&options.name)
        .duration_seconds(seconds)
        .set_source_identity(options.source_identity.clone())
        .set_external_id(options.external_id_for(account).map(|secret| secret.reveal().to_owned()))
        .set_policy(options.policy.clone());
    let Answer { value, request_id } = call(operation, Some(account), request.send()).await?;
    let user = value.assumed_role_user().map(AssumedRoleUser::arn).filter(|arn| !arn.is_empty());
    let arn = user.ok_or_else(|| incomplete(operation, "it lacks AssumedRoleUser.Arn", request_id.as_deref()))?;
    check_account(operation, account, account_in_arn(arn), arn, request_id.as_deref())?;
    let answer = session(operation, account, value.credentials(), request_id)?;
    let length = value.credentials().map_or(0, |issued| issued.session_token().len());
    let size = TokenSize::new(value.session_token_size(), length);
    Ok(Answer { value: answer.value.with_token_size(size), request_id: answer.request_id })
}

/// Opens a read-only session as the account's root user. STS opens it in the account that the request names, and the program
/// never sets anything with the session, so the account is not checked again.
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

/// Returns the task policy that only allows reading the account summary (IAM user guide, "Perform a privileged task on a member
/// account").
pub fn audit_task_policy(partition: &Partition) -> String {
    format!("arn:{partition}:iam::aws:policy/root-task/IAMAuditRootUserCredentials")
}

/// Returns the session with the credentials of an answer.
fn session(
    operation: Operation,
    account: AccountId,
    issued: Option<&aws_sdk_sts::types::Credentials>,
    request_id: Option<String>,
) -> Result<Answer<Session>, Failure> {
    let credentials = credentials(operation, issued, request_id.as_deref())?;
    Ok(Answer { value: Session::new(account, credentials), request_id })
}

/// Returns the credentials of an answer.
pub(super) fn credentials(
    operation: Operation,
    issued: Option<&aws_sdk_sts::types::Credentials>,
    request_id: Option<&str>,
) -> Result<Credentials, Failure> {
    // The SDK gives members that are missing an empty text, or the beginning of 1970.
    let complete = |issued: &&aws_sdk_sts::types::Credentials| {
        ![issued.access_key_id(), issued.secret_access_key(), issued.session_token()].contains(&"")
            && issued.expiration().secs() > 0
    };
    let issued =
        issued.filter(complete).ok_or_else(|| incomplete(operation, "it lacks complete Credentials", request_id))?;
    let credentials = Credentials::new(
        issued.access_key_id(),
        issued.secret_access_key(),
        Some(issued.session_token().to_owned()),
        std::time::SystemTime::try_from(*issued.expiration()).ok(),
        "v2token",
    );
    check(&credentials).map_err(|detail| incomplete(operation, &detail, request_id))?;
    Ok(credentials)
}

/// Checks that a session belongs to the requested account.
fn check_account(
    operation: Operation,
    wanted: AccountId,
    found: Option<AccountId>,
    arn: &str,
    request_id: Option<&str>,
) -> Result<(), Failure> {
    if found == Some(wanted) {
        return Ok(());
    }
    let message = format!("the session belongs to {arn}, not to account {wanted}");
    Err(Failure {
        request_id: request_id.map(str::to_owned),
        ..Failure::own(operation, OwnCode::WrongAccount, message)
    })
}
