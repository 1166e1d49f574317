//! AWS partitions: their regions, and the regions for which requests must be signed.

/// The properties of a partition that are needed for signing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    /// The part of an ARN after `arn:`.
    pub name: &'static str,
    /// The prefix of the partition's region names. Empty for `aws`, which has all regions without such a prefix.
    prefix: &'static str,
    pub iam_region: &'static str,
    pub organizations_region: &'static str,
}

const PARTITIONS: &[Partition] = &[
    partition("aws", "", "us-east-1", "us-east-1"),
    partition("aws-cn", "cn-", "cn-north-1", "cn-northwest-1"),
    partition("aws-us-gov", "us-gov-", "us-gov-west-1", "us-gov-west-1"),
    partition("aws-iso", "us-iso-", "us-iso-east-1", "us-iso-east-1"),
    partition("aws-iso-b", "us-isob-", "us-isob-east-1", "us-isob-east-1"),
    partition("aws-iso-e", "eu-isoe-", "eu-isoe-west-1", "eu-isoe-west-1"),
    partition("aws-iso-f", "us-isof-", "us-isof-south-1", "us-isof-south-1"),
    partition("aws-eusc", "eusc-", "eusc-de-east-1", "eusc-de-east-1"),
];

const fn partition(
    name: &'static str,
    prefix: &'static str,
    iam_region: &'static str,
    organizations_region: &'static str,
) -> Partition {
    Partition { name, prefix, iam_region, organizations_region }
}

impl Partition {
    pub fn find(name: &str) -> Option<Self> {
        PARTITIONS.iter().copied().find(|partition| partition.name == name)
    }

    /// The Region in which STS can't be deactivated.
    pub const fn always_on(self) -> &'static str {
        self.iam_region
    }

    /// The region of a run for which no region is given.
    pub fn default_region(self) -> &'static str {
        if self.name == "aws" { "eu-west-1" } else { self.iam_region }
    }

    /// Whether a region belongs to this partition, judging by its name.
    pub fn has(self, region: &str) -> bool {
        let of = PARTITIONS
            .iter()
            .find(|partition| !partition.prefix.is_empty() && region.starts_with(partition.prefix))
            .map_or("aws", |partition| partition.name);
        of == self.name
    }

    /// Whether there is an STS endpoint that belongs to no region.
    pub fn has_global_sts(self) -> bool {
        self.name == "aws"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_its_own_regions() {
        for partition in PARTITIONS {
            for region in [partition.iam_region, partition.organizations_region, partition.default_region()] {
                let owners: Vec<_> = PARTITIONS.iter().filter(|other| other.has(region)).collect();
                assert_eq!(owners, [partition], "{region}");
            }
        }
        let commercial = Partition::find("aws").unwrap();
        assert!(
            commercial.has("ap-southeast-2") && !commercial.has("us-gov-east-1") && !commercial.has("us-isob-west-1")
        );
    }
}
