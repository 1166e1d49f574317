//! This module owns the port to AWS: the few calls that a visit makes, and the one way in which a call can fail.
//!
//! A call here is one attempt. Whether to try again is the visit's decision, because only the visit knows what is
//! at stake: a read may be repeated freely, a Set whose answer was lost must be followed by a read.

pub(crate) mod aws;
mod error_code;
pub(crate) mod failure;
pub(crate) mod retry;

use std::future::Future;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::org::{AccountId, ObservedVersion, TokenVersion};
use crate::text_enum::text_enum;
pub use error_code::{ErrorCode, OwnCode};
pub use failure::{Effect, Failure, FailureKind};

text_enum! {
    /// The AWS operations that the program calls.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[expect(missing_docs, reason = "each variant is the name of an AWS operation")]
    pub enum Operation {
        DescribeOrganization = "DescribeOrganization",
        ListAccounts = "ListAccounts",
        ListRoots = "ListRoots",
        ListOrganizationalUnitsForParent = "ListOrganizationalUnitsForParent",
        ListAccountsForParent = "ListAccountsForParent",
        DescribeOrganizationalUnit = "DescribeOrganizationalUnit",
        ListTagsForResource = "ListTagsForResource",
        GetCallerIdentity = "GetCallerIdentity",
        GetSessionToken = "GetSessionToken",
        AssumeRole = "AssumeRole",
        AssumeRoot = "AssumeRoot",
        GetAccountSummary = "GetAccountSummary",
        SetSecurityTokenServicePreferences = "SetSecurityTokenServicePreferences",
        ListOrganizationsFeatures = "ListOrganizationsFeatures",
        SimulatePrincipalPolicy = "SimulatePrincipalPolicy",
    }
}

impl Operation {
    /// The service's prefix in IAM actions.
    pub const fn service(self) -> &'static str {
        match self {
            Self::DescribeOrganization
            | Self::ListAccounts
            | Self::ListRoots
            | Self::ListOrganizationalUnitsForParent
            | Self::ListAccountsForParent
            | Self::DescribeOrganizationalUnit
            | Self::ListTagsForResource => "organizations",
            Self::GetCallerIdentity | Self::GetSessionToken | Self::AssumeRole | Self::AssumeRoot => "sts",
            Self::GetAccountSummary
            | Self::SetSecurityTokenServicePreferences
            | Self::ListOrganizationsFeatures
            | Self::SimulatePrincipalPolicy => "iam",
        }
    }

    /// The action that IAM policies allow or deny: the service's prefix and the operation's name.
    pub fn action(self) -> String {
        format!("{}:{self}", self.service())
    }

    /// Whether a call of it may change something in AWS.
    pub const fn writes(self) -> bool {
        matches!(self, Self::SetSecurityTokenServicePreferences)
    }
}

/// How an account is entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessMethod {
    /// With the caller's own credentials: only for the account that the caller is in.
    Own,
    /// Through this role, by its ARN.
    Role(Arc<str>),
    /// As the account's root user, by this ARN, with a task policy that allows reading only.
    Root(Arc<str>),
}

/// What a successful call gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// The id under which AWS logged the call, for CloudTrail and for AWS Support.
    pub request_id: Option<String>,
}

/// The calls of a visit, one attempt each.
pub trait Cloud {
    /// The right to act in one account. It holds credentials, so it must never be printable.
    type Session;

    /// Opens a session in the account and proves that it is in this account and no other.
    fn enter(
        &self,
        account: AccountId,
        access: &AccessMethod,
    ) -> impl Future<Output = Result<Answer<Self::Session>, Failure>>;

    /// Reads the account's token version.
    fn read(&self, session: &Self::Session) -> impl Future<Output = Result<Answer<ObservedVersion>, Failure>>;

    /// Asks for a token version. Success means only that the request was accepted.
    fn set(&self, session: &Self::Session, version: TokenVersion) -> impl Future<Output = Result<Answer<()>, Failure>>;

    /// Gets a session for the account from the global STS endpoint and uses it in an opt-in Region. It fails with
    /// [`FailureKind::Credentials`] as long as that Region refuses the token.
    fn prove_token(
        &self,
        account: AccountId,
        access: &AccessMethod,
        region: &str,
    ) -> impl Future<Output = Result<Answer<()>, Failure>>;

    /// The STS endpoint that sessions come from.
    fn sts_endpoint(&self) -> &str;

    /// Whether base credentials are being fetched at this moment, so that calls wait for them.
    fn is_fetching(&self) -> bool;

    /// Whether the base credentials are still accepted, asked when a refusal makes that doubtful.
    fn confirm_caller(&self) -> impl Future<Output = Result<(), Failure>>;

    /// Asks STS for something that concerns no account, to learn whether it can be reached. Whatever it answers will do, so that it
    /// must not depend on credentials: where they come from may be out of reach, too, or may have none any more.
    fn reach(&self) -> impl Future<Output = Result<(), Failure>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_operation_writes() {
        let writing: Vec<_> = Operation::ALL.into_iter().filter(|operation| operation.writes()).collect();
        assert_eq!(writing, [Operation::SetSecurityTokenServicePreferences]);
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let names: std::collections::BTreeSet<_> = Operation::ALL.iter().map(|o| (o.service(), o.as_str())).collect();
        assert_eq!(names.len(), Operation::ALL.len());
    }
}
