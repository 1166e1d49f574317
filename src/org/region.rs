//! This module owns the Regions that exist, so that a mistyped one is refused before anything is sent to it.
//!
//! The SDK cannot tell: its endpoint rules build a host for any Region's name (`xx-typo-1` falls into partition `aws`),
//! and the mistake would show itself as one DNS failure for each account.

use super::caller::Partition;
use crate::suggest::did_you_mean;

/// Every Region of every partition, from botocore 1.44.5, `data/partitions.json`.
const REGIONS: &[(&str, &[&str])] = &[
    (
        "aws",
        &[
            "af-south-1",
            "ap-east-1",
            "ap-east-2",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
            "ap-southeast-5",
            "ap-southeast-6",
            "ap-southeast-7",
            "ca-central-1",
            "ca-west-1",
            "eu-central-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "me-west-1",
            "mx-central-1",
            "sa-east-1",
            "sa-west-1",
            "us-east-1",
            "us-east-2",
            "us-west-1",
            "us-west-2",
        ],
    ),
    ("aws-cn", &["cn-north-1", "cn-northwest-1"]),
    ("aws-eusc", &["eusc-de-east-1"]),
    ("aws-iso", &["us-iso-east-1", "us-iso-west-1"]),
    ("aws-iso-b", &["us-isob-east-1", "us-isob-west-1"]),
    ("aws-iso-e", &["eu-isoe-west-1"]),
    ("aws-iso-f", &["us-isof-east-1", "us-isof-south-1"]),
    ("aws-us-gov", &["us-gov-east-1", "us-gov-west-1"]),
];

/// The Regions of partition `aws` that every account has without enabling them (AWS Account Management reference guide, "Enable
/// or disable AWS Regions in your account"). Tokens of either version are valid there.
const ENABLED_BY_DEFAULT: &[&str] = &[
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Where a partition's global services, IAM and Organizations, live and sign, from the endpoint rules of aws-sdk-iam 1.133.0
/// and aws-sdk-organizations 1.137.0.
const HOMES: &[(&str, Home)] = &[
    ("aws", Home { iam: "us-east-1", organizations: "us-east-1" }),
    ("aws-cn", Home { iam: "cn-north-1", organizations: "cn-northwest-1" }),
    ("aws-eusc", Home { iam: "eusc-de-east-1", organizations: "eusc-de-east-1" }),
    ("aws-iso", Home { iam: "us-iso-east-1", organizations: "us-iso-east-1" }),
    ("aws-iso-b", Home { iam: "us-isob-east-1", organizations: "us-isob-east-1" }),
    ("aws-iso-e", Home { iam: "eu-isoe-west-1", organizations: "eu-isoe-west-1" }),
    ("aws-iso-f", Home { iam: "us-isof-south-1", organizations: "us-isof-south-1" }),
    ("aws-us-gov", Home { iam: "us-gov-west-1", organizations: "us-gov-west-1" }),
];

/// The Regions in which a partition's global services accept signatures.
///
/// The SDK's rules know them for AWS's own hosts. Behind an endpoint of one's own (a proxy, a VPC endpoint) they sign with the
/// client's Region instead, which IAM and Organizations refuse; so the clients are given these Regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    /// IAM's.
    pub iam: &'static str,
    /// Organizations'.
    pub organizations: &'static str,
}

/// The home of the global services in the partition of a Region.
///
/// # Errors
///
/// When no partition has the Region.
pub(crate) fn home_of(region: &str) -> Result<Home, RegionRefused> {
    let partition = partition_of(region)?;
    let (_, home) = HOMES.iter().find(|(known, _)| *known == partition).expect("every partition has its home");
    Ok(*home)
}

/// The Region cannot be the run's STS Region.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionRefused {
    /// `aws-global` and its kin lead to the global STS endpoint.
    #[error(
        "{region} is not a Region: it leads to the global STS endpoint, whose sessions are v1 tokens while an account is at v1Token"
    )]
    Global {
        /// What was given.
        region: String,
    },
    /// No partition has it.
    #[error("there is no Region {region:?}{suggestion}")]
    Unknown {
        /// What was given.
        region: String,
        /// `; did you mean …?`, or nothing.
        suggestion: String,
    },
    /// Tokens of either version are valid there.
    #[error(
        "Region {region} is enabled in every account, and tokens of both versions are valid there, so a token proves nothing: name an opt-in Region such as ap-east-1 that is enabled in the accounts"
    )]
    ProvesNothing {
        /// What was given.
        region: String,
    },
    /// There is no global STS endpoint whose tokens could be proven.
    #[error("Region {region} is in partition {partition}, which has no global STS endpoint")]
    NoGlobalEndpoint {
        /// What was given.
        region: String,
        /// Its partition.
        partition: &'static str,
    },
    /// It exists, but the caller lives in another partition.
    #[error("Region {region} is in partition {of_region}, but the caller is in {of_caller}")]
    OtherPartition {
        /// What was given.
        region: String,
        /// The partition of that Region.
        of_region: &'static str,
        /// The partition of the caller's ARN.
        of_caller: String,
    },
}

/// The partition that a Region belongs to.
///
/// # Errors
///
/// When no partition has the Region.
pub(crate) fn partition_of(region: &str) -> Result<&'static str, RegionRefused> {
    if region.ends_with("-global") {
        return Err(RegionRefused::Global { region: region.to_owned() });
    }
    REGIONS
        .iter()
        .find(|(_, regions)| regions.contains(&region))
        .map(|(partition, _)| *partition)
        .ok_or_else(|| RegionRefused::Unknown { region: region.to_owned(), suggestion: suggestion(region) })
}

/// Checks that the run's Region exists in the caller's partition.
///
/// # Errors
///
/// When it does not.
pub(crate) fn check(region: &str, partition: &Partition) -> Result<(), RegionRefused> {
    let of_region = partition_of(region)?;
    if of_region == partition.as_str() {
        Ok(())
    } else {
        Err(RegionRefused::OtherPartition {
            region: region.to_owned(),
            of_region,
            of_caller: partition.as_str().to_owned(),
        })
    }
}

/// Checks that a Region refuses v1 tokens, so that a token that is valid there is proven to be a v2 token.
///
/// # Errors
///
/// When it does not exist, is enabled everywhere, or is in a partition without a global STS endpoint.
pub(crate) fn check_opt_in(region: &str) -> Result<(), RegionRefused> {
    match partition_of(region)? {
        "aws" if ENABLED_BY_DEFAULT.contains(&region) => {
            Err(RegionRefused::ProvesNothing { region: region.to_owned() })
        }
        "aws" => Ok(()),
        partition => Err(RegionRefused::NoGlobalEndpoint { region: region.to_owned(), partition }),
    }
}

fn suggestion(region: &str) -> String {
    let known = REGIONS.iter().flat_map(|(_, regions)| regions.iter());
    did_you_mean(&region.trim().to_ascii_lowercase(), known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::Caller;

    fn partition(name: &str) -> Partition {
        let arn = format!("arn:{name}:iam::000000000001:user/x");
        Caller::from_api(Some("000000000001"), Some(&arn)).unwrap().partition
    }

    #[test]
    fn every_region_is_in_its_own_partition_and_no_other() {
        for (name, regions) in REGIONS {
            for region in *regions {
                assert_eq!(partition_of(region), Ok(*name));
                let home = home_of(region).unwrap();
                assert!(regions.contains(&home.iam) && regions.contains(&home.organizations));
                assert_eq!(check(region, &partition(name)), Ok(()));
                let other = if *name == "aws" { "aws-cn" } else { "aws" };
                assert!(matches!(check(region, &partition(other)), Err(RegionRefused::OtherPartition { .. })));
            }
        }
    }

    #[test]
    fn mistakes_are_named_and_mended() {
        for (typed, meant) in [
            ("eu-wset-1", Some("eu-west-1")),
            ("EU-WEST-1", Some("eu-west-1")),
            ("us-east1", Some("us-east-1")),
            ("eu-west-1a", Some("eu-west-1")),
            ("Frankfurt", None),
            ("", None),
        ] {
            let message = partition_of(typed).unwrap_err().to_string();
            match meant {
                Some(meant) => assert!(message.ends_with(&format!("did you mean {meant}?")), "{message}"),
                None => assert!(!message.contains("did you mean"), "{message}"),
            }
        }
        for global in ["aws-global", "aws-cn-global", "aws-us-gov-global"] {
            assert!(matches!(partition_of(global), Err(RegionRefused::Global { .. })));
        }
    }
}
