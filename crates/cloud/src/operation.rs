//! The AWS operations that the program calls.

use crate::text_enum::text_enum;

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
        ListParents = "ListParents",
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
        GetRequestAuthorizationDetails = "GetRequestAuthorizationDetails",
        DescribePolicy = "DescribePolicy",
        LookupEvents = "LookupEvents",
        ListRegions = "ListRegions",
    }
}

impl Operation {
    /// Returns the prefix of the operation's service in IAM actions, such as `sts`.
    pub const fn service(self) -> &'static str {
        match self {
            Self::DescribeOrganization
            | Self::ListAccounts
            | Self::ListRoots
            | Self::ListOrganizationalUnitsForParent
            | Self::ListAccountsForParent
            | Self::ListParents
            | Self::DescribeOrganizationalUnit
            | Self::ListTagsForResource
            | Self::DescribePolicy => "organizations",
            Self::GetCallerIdentity | Self::GetSessionToken | Self::AssumeRole | Self::AssumeRoot => "sts",
            Self::GetAccountSummary
            | Self::SetSecurityTokenServicePreferences
            | Self::ListOrganizationsFeatures
            | Self::SimulatePrincipalPolicy
            // Its service is IAM Access Troubleshooter, whose actions have the prefix of IAM.
            | Self::GetRequestAuthorizationDetails => "iam",
            Self::LookupEvents => "cloudtrail",
            Self::ListRegions => "account",
        }
    }

    /// Returns the action in IAM policies: the service's prefix and the operation's name.
    pub fn action(self) -> String {
        format!("{}:{self}", self.service())
    }

    /// Whether the operation changes anything in AWS.
    pub const fn writes(self) -> bool {
        matches!(self, Self::SetSecurityTokenServicePreferences)
    }
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
    fn names_of_operations_are_unique() {
        let names: std::collections::BTreeSet<_> = Operation::ALL.iter().map(|o| (o.service(), o.as_str())).collect();
        assert_eq!(names.len(), Operation::ALL.len());
    }
}
