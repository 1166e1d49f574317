//! The Regions of every partition, so that a mistyped Region is refused before any call.
//!
//! The SDK's endpoint rules build a host for any name. For example, they assign `xx-typo-1` to partition `aws`. Without this
//! check, a mistyped Region would cause a DNS failure in every account.

use super::caller::Partition;
use crate::suggest::did_you_mean;

/// The Regions for which IAM and Organizations accept signatures in a partition.
///
/// The SDK's endpoint rules apply these Regions only to AWS's own hosts. With a custom endpoint, such as a proxy or a VPC
/// endpoint, the SDK signs for the client's Region, which both services refuse. So the clients of both services get these
/// Regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceRegions {
    /// The Region for which requests to IAM are signed.
    pub iam: &'static str,
    /// The Region for which requests to Organizations are signed.
    pub organizations: &'static str,
}

/// A partition's id, the Regions of its global services, and all its Regions. In partition `aws`, the opt-in Regions are in the
/// second list.
type PartitionRegions = (&'static str, ServiceRegions, [&'static str; 2]);

/// Every Region of every partition, from botocore 1.44.5, `data/partitions.json`. The Regions of the global services are from the
/// endpoint rules of aws-sdk-iam 1.133.0 and aws-sdk-organizations 1.137.0.
const PARTITIONS: [PartitionRegions; 8] = [
    ("aws", services("us-east-1", "us-east-1"), [ENABLED_BY_DEFAULT, OPT_IN]),
    ("aws-cn", services("cn-north-1", "cn-northwest-1"), ["cn-north-1 cn-northwest-1", ""]),
    ("aws-eusc", services("eusc-de-east-1", "eusc-de-east-1"), ["eusc-de-east-1", ""]),
    ("aws-iso", services("us-iso-east-1", "us-iso-east-1"), ["us-iso-east-1 us-iso-west-1", ""]),
    ("aws-iso-b", services("us-isob-east-1", "us-isob-east-1"), ["us-isob-east-1 us-isob-west-1", ""]),
    ("aws-iso-e", services("eu-isoe-west-1", "eu-isoe-west-1"), ["eu-isoe-west-1", ""]),
    ("aws-iso-f", services("us-isof-south-1", "us-isof-south-1"), ["us-isof-east-1 us-isof-south-1", ""]),
    ("aws-us-gov", services("us-gov-west-1", "us-gov-west-1"), ["us-gov-east-1 us-gov-west-1", ""]),
];

const fn services(iam: &'static str, organizations: &'static str) -> ServiceRegions {
    ServiceRegions { iam, organizations }
}

/// The Regions of partition `aws` that are enabled by default (AWS Account Management reference guide, "Enable
/// or disable AWS Regions in your account"). Tokens of both versions are valid there.
const ENABLED_BY_DEFAULT: &str = "\
    ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 \
    ca-central-1 \
    eu-central-1 eu-north-1 eu-west-1 eu-west-2 eu-west-3 \
    sa-east-1 \
    us-east-1 us-east-2 us-west-1 us-west-2";

/// The other Regions of partition `aws`.
const OPT_IN: &str = "\
    af-south-1 \
    ap-east-1 ap-east-2 ap-south-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 \
    ca-west-1 \
    eu-central-2 eu-south-1 eu-south-2 \
    il-central-1 me-central-1 me-south-1 me-west-1 mx-central-1 \
    sa-west-1";

/// Returns the names of the Regions in the lists.
fn names(lists: &[&'static str]) -> impl Iterator<Item = &'static str> {
    lists.iter().flat_map(|list| list.split_ascii_whitespace())
}

/// Returns the Regions for which IAM and Organizations accept signatures in the partition of `region`.
///
/// # Errors
///
/// Returns an error if no partition has the Region, or if it ends in `-global`.
pub fn service_regions_of(region: &str) -> Result<ServiceRegions, RegionRefused> {
    find(region).map(|(_, services, _)| services)
}

/// The Region can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegionRefused {
    /// The name ends in `-global`, as `aws-global` does, and stands for the global STS endpoint.
    #[error(
        "{0} is not a Region: it leads to the global STS endpoint, whose sessions are v1 tokens while an account is at v1Token"
    )]
    Global(String),
    /// No partition has this Region.
    #[error("there is no Region {region:?}{suggestion}")]
    Unknown {
        /// The Region that was given.
        region: String,
        /// `; did you mean …?`, or an empty text.
        suggestion: String,
    },
    /// The Region is enabled by default, so tokens of both versions are valid there.
    #[error(
        "Region {0} is enabled in every account, and tokens of both versions are valid there, so a token proves nothing: name an opt-in Region such as ap-east-1 that is enabled in the accounts"
    )]
    ProvesNothing(String),
    /// The partition of the Region has no global STS endpoint whose tokens could be tested.
    #[error("Region {region} is in partition {partition}, which has no global STS endpoint")]
    NoGlobalEndpoint {
        /// The Region that was given.
        region: String,
        /// The partition of that Region.
        partition: &'static str,
    },
    /// The caller is in another partition.
    #[error("Region {region} is in partition {of_region}, but the caller is in {of_caller}")]
    OtherPartition {
        /// The Region that was given.
        region: String,
        /// The partition of that Region.
        of_region: &'static str,
        /// The partition of the caller's ARN.
        of_caller: String,
    },
}

/// Returns the partition of a Region.
///
/// # Errors
///
/// Returns an error if no partition has the Region, or if it ends in `-global`.
pub fn partition_of(region: &str) -> Result<&'static str, RegionRefused> {
    find(region).map(|(partition, ..)| partition)
}

fn find(region: &str) -> Result<PartitionRegions, RegionRefused> {
    if region.ends_with("-global") {
        return Err(RegionRefused::Global(region.to_owned()));
    }
    PARTITIONS.into_iter().find(|(.., regions)| names(regions).any(|name| name == region)).ok_or_else(|| {
        let known = PARTITIONS.iter().flat_map(|(.., regions)| names(regions));
        let suggestion = did_you_mean(&region.trim().to_ascii_lowercase(), known);
        RegionRefused::Unknown { region: region.to_owned(), suggestion }
    })
}

/// Checks that the run's Region exists in the caller's partition.
///
/// # Errors
///
/// Returns an error if no partition has the Region, or if it is in another partition.
pub fn check(region: &str, partition: &Partition) -> Result<(), RegionRefused> {
    let of_region = partition_of(region)?;
    if of_region == partition.as_str() {
        Ok(())
    } else {
        let of_caller = partition.to_string();
        Err(RegionRefused::OtherPartition { region: region.to_owned(), of_region, of_caller })
    }
}

/// Checks that a Region refuses v1 tokens, so that any token that is valid there is a v2 token.
///
/// # Errors
///
/// Returns an error if no partition has the Region, if it is enabled by default, or if its partition has no global STS endpoint.
pub fn check_opt_in(region: &str) -> Result<(), RegionRefused> {
    match partition_of(region)? {
        "aws" if names(&[ENABLED_BY_DEFAULT]).any(|name| name == region) => {
            Err(RegionRefused::ProvesNothing(region.to_owned()))
        }
        "aws" => Ok(()),
        partition => Err(RegionRefused::NoGlobalEndpoint { region: region.to_owned(), partition }),
    }
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
    fn each_region_is_in_one_partition() {
        for (name, services, regions) in PARTITIONS {
            for home in [services.iam, services.organizations] {
                assert!(names(&regions).any(|region| region == home));
            }
            for region in names(&regions) {
                assert_eq!(partition_of(region), Ok(name));
                assert_eq!(service_regions_of(region), Ok(services));
                assert_eq!(check(region, &partition(name)), Ok(()));
                let other = if name == "aws" { "aws-cn" } else { "aws" };
                assert!(matches!(check(region, &partition(other)), Err(RegionRefused::OtherPartition { .. })));
            }
        }
    }

    #[test]
    fn mistyped_regions_get_a_suggestion() {
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
