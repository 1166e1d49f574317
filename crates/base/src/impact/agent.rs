//! The program that called, by its user agent: family, version, and whether it asks the global endpoint by default.

use std::fmt;

/// The longest name and the longest version that are kept, in characters.
const LONGEST: usize = 48;

/// The most products of a user agent that are looked at.
const MOST: usize = 32;

/// A family of programs, and its version.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Agent {
    /// The family, such as `AWS SDK for Go v1`.
    pub family: String,
    /// The version; empty if the user agent has none.
    pub version: String,
    /// Whether the family asks the global endpoint unless it is told otherwise.
    pub global_by_default: bool,
}

/// A kind of products that a user agent can name.
struct Family {
    /// The product in the user agent, in lower case.
    product: &'static str,
    /// Its name, for versions that begin with `major`.
    name: &'static str,
    major: &'static str,
    /// The first version that asks a regional endpoint by default; `None` if all versions do.
    regional_since: Option<Since>,
}

/// Since when the versions of a family ask a regional endpoint by default.
#[derive(Clone, Copy)]
enum Since {
    Version(u32, u32),
    Never,
}

const fn family(product: &'static str, major: &'static str, name: &'static str, since: Option<Since>) -> Family {
    Family { product, name, major, regional_since: since }
}

/// The AWS SDKs and the AWS CLI. botocore asks regional endpoints by default since 1.40.0, and the AWS CLI v1 since 1.42.0, which
/// has that botocore (their changelogs); the SDKs for Go v1, Java v1, and JavaScript v2 never have (AWS SDKs and Tools Reference Guide,
/// "AWS STS Regional endpoints").
const FAMILIES: [Family; 19] = [
    family("aws-cli", "1", "AWS CLI v1", Some(Since::Version(1, 42))),
    family("aws-cli", "2", "AWS CLI v2", None),
    family("boto3", "", "boto3", Some(Since::Version(1, 40))),
    family("boto", "", "boto", Some(Since::Never)),
    family("botocore", "", "botocore", Some(Since::Version(1, 40))),
    family("aws-sdk-go-v2", "", "AWS SDK for Go v2", None),
    family("aws-sdk-go", "", "AWS SDK for Go v1", Some(Since::Never)),
    family("aws-sdk-java", "1", "AWS SDK for Java v1", Some(Since::Never)),
    family("aws-sdk-java", "2", "AWS SDK for Java v2", None),
    family("aws-sdk-nodejs", "2", "AWS SDK for JavaScript v2", Some(Since::Never)),
    family("aws-sdk-js", "2", "AWS SDK for JavaScript v2", Some(Since::Never)),
    family("aws-sdk-js", "3", "AWS SDK for JavaScript v3", None),
    family("aws-sdk-rust", "", "AWS SDK for Rust", None),
    family("aws-sdk-ruby3", "", "AWS SDK for Ruby", None),
    family("aws-sdk-ruby2", "", "AWS SDK for Ruby v2", None),
    family("aws-sdk-php", "", "AWS SDK for PHP", None),
    family("aws-sdk-cpp", "", "AWS SDK for C++", None),
    family("aws-sdk-dotnet-coreclr", "", "AWS SDK for .NET", None),
    family("aws-sdk-kotlin", "", "AWS SDK for Kotlin", None),
];

/// Programs that are better known than the SDK in them. Their user agents name the SDK, too.
const PROGRAMS: [(&str, &str); 6] = [
    ("terraform", "Terraform"),
    ("pulumi", "Pulumi"),
    ("vault", "Vault"),
    ("packer", "Packer"),
    ("kops", "kOps"),
    ("aws-iam-authenticator", "aws-iam-authenticator"),
];

impl Agent {
    /// Reads a user agent.
    pub fn of(user_agent: Option<&str>) -> Self {
        let text = user_agent.unwrap_or_default().trim().trim_start_matches('[').trim_end_matches(']');
        let products: Vec<(&str, &str)> =
            text.split([' ', ';', '(', ')', ',']).filter_map(|word| word.split_once('/')).take(MOST).collect();
        let find = |product: &str| products.iter().find(|(name, _)| name.eq_ignore_ascii_case(product)).copied();
        let sdk = FAMILIES.iter().find_map(|family| {
            let (_, version) = find(family.product)?;
            version.starts_with(family.major).then_some((family, version))
        });
        let global_by_default = sdk.is_some_and(|(family, version)| family.is_global(version));
        let program = PROGRAMS.iter().find_map(|(product, name)| Some((*name, find(product)?.1)));
        let (family, version) = match (program, sdk) {
            (Some((name, version)), Some((sdk, sdk_version))) => {
                (format!("{name} {} with {}", clean(version), sdk.name), sdk_version)
            }
            (Some((name, version)), None) => (name.to_owned(), version),
            (None, Some((family, version))) => (family.name.to_owned(), version),
            (None, None) => match text.split_whitespace().next() {
                None => ("not named".to_owned(), ""),
                Some(word) => {
                    let (name, version) = word.split_once('/').unwrap_or((word, ""));
                    (clean(name), version)
                }
            },
        };
        Self { family, version: clean(version), global_by_default }
    }
}

/// The value of the column `user_agent`.
impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.family)?;
        if !self.version.is_empty() {
            write!(f, " {}", self.version)?;
        }
        if self.global_by_default { f.write_str(" (global by default)") } else { Ok(()) }
    }
}

impl Family {
    fn is_global(&self, version: &str) -> bool {
        let mut parts = version.split(['.', '-', '+']).map(|part| part.parse::<u32>().ok());
        match self.regional_since {
            None => false,
            Some(Since::Never) => true,
            Some(Since::Version(major, minor)) => match (parts.next().flatten(), parts.next().flatten()) {
                (Some(one), Some(two)) => (one, two) < (major, minor),
                _ => false,
            },
        }
    }
}

/// Keeps the characters that names and versions have, so that neither ids nor control characters get into a report.
fn clean(text: &str) -> String {
    text.chars()
        .take_while(|character| character.is_ascii_alphanumeric() || "._-+:".contains(*character))
        .take(LONGEST)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_the_version_and_the_default_endpoint_are_known() {
        for (user_agent, expected) in [
            ("aws-cli/1.32.5 Python/3.9.16 Linux/5.10 botocore/1.34.5", "AWS CLI v1 1.32.5 (global by default)"),
            ("aws-cli/1.42.0 md/Botocore#1.40.0 ua/2.1", "AWS CLI v1 1.42.0"),
            ("[aws-cli/1.16.2 Python/2.7.16]", "AWS CLI v1 1.16.2 (global by default)"),
            ("aws-cli/2.15.30 Python/3.11.8 Linux/5.10 exe/x86_64", "AWS CLI v2 2.15.30"),
            ("Boto3/1.26.90 Python/3.9 Linux/5.10 Botocore/1.29.90", "boto3 1.26.90 (global by default)"),
            ("Boto3/1.40.0 md/Botocore#1.40.0", "boto3 1.40.0"),
            ("Botocore/1.39.9 ua/2.0", "botocore 1.39.9 (global by default)"),
            ("aws-sdk-go/1.44.122 (go1.19; linux; amd64)", "AWS SDK for Go v1 1.44.122 (global by default)"),
            ("aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5", "AWS SDK for Go v2 1.30.3"),
            ("aws-sdk-java/1.12.100 Linux/5.4", "AWS SDK for Java v1 1.12.100 (global by default)"),
            ("aws-sdk-java/2.20.0 Linux/5.4", "AWS SDK for Java v2 2.20.0"),
            ("aws-sdk-nodejs/2.1400.0 linux/v18", "AWS SDK for JavaScript v2 2.1400.0 (global by default)"),
            ("aws-sdk-js/3.300.0 os/linux", "AWS SDK for JavaScript v3 3.300.0"),
            (
                "APN/1.0 HashiCorp/1.0 Terraform/1.5.7 (+https://www.terraform.io) terraform-provider-aws/5.20.0 aws-sdk-go-v2/1.21.0",
                "Terraform 1.5.7 with AWS SDK for Go v2 1.21.0",
            ),
            (
                "APN/1.0 HashiCorp/1.0 Terraform/0.12.31 aws-sdk-go/1.35.0",
                "Terraform 0.12.31 with AWS SDK for Go v1 1.35.0 (global by default)",
            ),
            ("my-agent", "my-agent"),
            ("my-agent/7 other/8", "my-agent 7"),
            ("", "not named"),
            ("evil\u{1b}[31m/1", "evil 1"),
        ] {
            assert_eq!(Agent::of(Some(user_agent)).to_string(), expected, "{user_agent}");
        }
        assert_eq!(Agent::of(None).to_string(), "not named");
        assert!(Agent::of(Some(&"x".repeat(10_000))).to_string().len() <= LONGEST);
    }
}
