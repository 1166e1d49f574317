//! Partitions other than the commercial one.

use serde_json::json;

use super::client::{Client, READ, code, within};
use crate::*;

/// The name, the region of a run, and the regions for which requests to IAM and Organizations are signed.
const PARTITIONS: [(&str, &str, &str, &str); 8] = [
    ("aws", "eu-west-1", "us-east-1", "us-east-1"),
    ("aws-cn", "cn-northwest-1", "cn-north-1", "cn-northwest-1"),
    ("aws-us-gov", "us-gov-east-1", "us-gov-west-1", "us-gov-west-1"),
    ("aws-eusc", "eusc-de-east-1", "eusc-de-east-1", "eusc-de-east-1"),
    ("aws-iso", "us-iso-west-1", "us-iso-east-1", "us-iso-east-1"),
    ("aws-iso-b", "us-isob-east-1", "us-isob-east-1", "us-isob-east-1"),
    ("aws-iso-e", "eu-isoe-west-1", "eu-isoe-west-1", "eu-isoe-west-1"),
    ("aws-iso-f", "us-isof-east-1", "us-isof-south-1", "us-isof-south-1"),
];

const DESCRIBE: &str = "DescribeOrganization";

/// Returns every ARN in a text.
fn arns(text: &str) -> Vec<&str> {
    text.match_indices("arn:").map(|(start, _)| text[start..].split(['"', '<', ' ']).next().unwrap()).collect()
}

#[test]
fn arns_and_signing_regions_follow_the_partition() {
    for (partition, region, iam, organizations) in PARTITIONS {
        let organization = Organization::builder()
            .accounts(3)
            .unlimited()
            .partition(partition)
            .region(region)
            .strict_signing_regions(true)
            .root_access(true)
            .mfa_codes(["123456"])
            .delegated_administrator(2)
            .account(2, |account| account.faults.deny_set_by_scp = true)
            .start();
        let client = Client::new(&organization);
        let list = |operation: &str, parameters: serde_json::Value| {
            let answered = client.send("organizations", organizations, Some(operation), &parameters.to_string());
            assert_eq!(code(&answered).0, 200, "{partition} {operation}");
            answered.unwrap().1
        };
        let sts = |body: &str| client.send("sts", region, None, &format!("Version=2011-06-15&{body}"));
        let role = |partition: &str| {
            sts(&format!(
                "Action=AssumeRole&RoleArn=arn:{partition}:iam::000000000002:role/OrganizationAccountAccessRole&RoleSessionName=v2token"
            ))
        };
        let session = client.session_in(&role(partition));
        let set = "Action=SetSecurityTokenServicePreferences&Version=2010-05-08&GlobalEndpointTokenVersion=v2Token";
        let denied = session.send("iam", iam, None, set);
        assert_eq!(code(&denied), (403, "AccessDenied"), "{partition}");
        let root = sts(&format!(
            "Action=AssumeRoot&TargetPrincipal=000000000002&TaskPolicyArn.arn=arn:{partition}:iam::aws:policy/root-task/IAMAuditRootUserCredentials"
        ));
        let root = client.session_in(&root).send("sts", region, None, "Version=2011-06-15&Action=GetCallerIdentity");
        let texts = [
            list(DESCRIBE, json!({})),
            list("ListAccounts", json!({})),
            list("ListRoots", json!({})),
            list("ListDelegatedAdministrators", json!({})),
            sts("Action=GetCallerIdentity").unwrap().1,
            role(partition).unwrap().1,
            denied.unwrap().1,
            root.unwrap().1,
            organization.control(|world| world.mfa_serial()),
        ];
        for text in &texts {
            let found = arns(text);
            assert!(!found.is_empty(), "{partition}: {text}");
            for arn in found {
                assert!(arn.starts_with(&format!("arn:{partition}:")), "{partition}: {arn}");
            }
        }
        let other = if partition == "aws" { "aws-cn" } else { "aws" };
        assert_eq!(code(&role(other)), (400, "ValidationError"), "{partition}");

        assert_eq!(code(&client.send("iam", iam, None, READ)).0, 200, "{partition}");
        for wrong in ["us-west-2", "cn-north-9"] {
            assert_eq!(code(&client.send("iam", wrong, None, READ)), (403, "SignatureDoesNotMatch"), "{partition}");
            let refused = client.send("organizations", wrong, Some(DESCRIBE), "{}").unwrap();
            assert!(refused.1.contains("InvalidSignatureException"), "{partition}");
            let refused = client.send("sts", wrong, None, "Version=2011-06-15&Action=GetCallerIdentity");
            assert_eq!(within(&refused.unwrap().1, "Code"), Some("SignatureDoesNotMatch"), "{partition}");
        }
    }
}

#[test]
fn the_region_must_belong_to_the_partition() {
    let region = |partition: &str| {
        let organization = Organization::builder().accounts(3).partition(partition).start();
        organization.environment().into_iter().find(|(name, _)| name == "AWS_REGION").unwrap().1
    };
    assert_eq!(["aws", "aws-cn", "aws-us-gov"].map(region), ["eu-west-1", "cn-north-1", "us-gov-west-1"]);
    for (partition, wrong) in [("aws-cn", "eu-west-1"), ("aws", "us-gov-east-1")] {
        let builder = Organization::builder().accounts(3).partition(partition).region(wrong);
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| builder.start())).is_err(), "{partition}");
    }
}
