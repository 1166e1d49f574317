//! Owns what differs between AWS partitions: the regions requests must be signed for.

/// A partition, as far as signing is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    /// The part of an ARN after `arn:`.
    pub name: &'static str,
    pub iam_region: &'static str,
    pub organizations_region: &'static str,
}

const PARTITIONS: &[Partition] = &[
    partition("aws", "us-east-1", "us-east-1"),
    partition("aws-cn", "cn-north-1", "cn-northwest-1"),
    partition("aws-us-gov", "us-gov-west-1", "us-gov-west-1"),
    partition("aws-iso", "us-iso-east-1", "us-iso-east-1"),
    partition("aws-iso-b", "us-isob-east-1", "us-isob-east-1"),
    partition("aws-iso-e", "eu-isoe-west-1", "eu-isoe-west-1"),
    partition("aws-iso-f", "us-isof-south-1", "us-isof-south-1"),
    partition("aws-eusc", "eusc-de-east-1", "eusc-de-east-1"),
];

const fn partition(name: &'static str, iam_region: &'static str, organizations_region: &'static str) -> Partition {
    Partition { name, iam_region, organizations_region }
}

impl Partition {
    pub fn find(name: &str) -> Option<Self> {
        PARTITIONS.iter().copied().find(|partition| partition.name == name)
    }

    /// The Region in which no account can switch STS off.
    pub const fn always_on(self) -> &'static str {
        self.iam_region
    }
}
