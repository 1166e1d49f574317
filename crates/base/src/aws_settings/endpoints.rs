//! The Region, the endpoints, and their FIPS and dual-stack variants, as the environment and the profile choose them.

use super::files::text;
use super::ini::Value;
use super::{AwsSettings, Result, refuse};

/// A service whose endpoint can be configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Account Management.
    Account,
    /// CloudTrail.
    CloudTrail,
    /// IAM.
    Iam,
    /// IAM Access Troubleshooter.
    IamToolbox,
    /// Organizations.
    Organizations,
    /// STS.
    Sts,
    /// The portal of IAM Identity Center.
    Sso,
    /// The OIDC service of IAM Identity Center.
    SsoOidc,
}

impl Service {
    /// Returns the name of the service in a `services` section. In capitals, it is the end of a variable's name, as in
    /// `AWS_ENDPOINT_URL_STS`.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::CloudTrail => "cloudtrail",
            Self::Iam => "iam",
            Self::IamToolbox => "iam_toolbox",
            Self::Organizations => "organizations",
            Self::Sts => "sts",
            Self::Sso => "sso",
            Self::SsoOidc => "sso_oidc",
        }
    }
}

/// A Region, and whether its name asks for FIPS endpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionChoice {
    /// The name of the Region, such as `eu-west-1`.
    pub name: String,
    /// Whether the text asks for FIPS endpoints.
    pub fips: bool,
}

impl RegionChoice {
    /// Reads a Region, or a pseudo-Region such as `fips-us-east-1` (botocore 1.43, `client.py`, `_normalize_fips_region`).
    pub fn of(text: &str) -> Self {
        let name = text.replace("fips-", "").replace("-fips", "");
        Self { fips: name != text, name }
    }
}

impl AwsSettings {
    /// Returns the Region of the first variable in `variables` that is set, or else the Region of the profile.
    pub fn region(&self, variables: &[&str]) -> Option<&str> {
        let in_environment = variables.iter().find_map(|name| self.variables.get_non_empty(name));
        in_environment.or_else(|| self.in_profile("region")).filter(|region| !region.is_empty())
    }

    /// Whether FIPS endpoints are chosen.
    pub fn use_fips(&self) -> bool {
        self.switch("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")
    }

    /// Whether dual-stack endpoints are chosen.
    pub fn use_dual_stack(&self) -> bool {
        self.switch("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")
    }

    /// Returns the configured endpoint of a service, in botocore's order (1.43, `configprovider.py`,
    /// `ConfiguredEndpointProvider`). An empty setting does not count.
    ///
    /// # Errors
    ///
    /// Returns an error if the profile names a `services` section that does not exist, or that has a text in place of the
    /// service's settings.
    pub fn endpoint_url(&self, service: Service) -> Result<Option<&str>> {
        if self.switch("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls") {
            return Ok(None);
        }
        let own = format!("AWS_ENDPOINT_URL_{}", service.id().to_ascii_uppercase());
        let names = [own.as_str(), "AWS_ENDPOINT_URL"];
        if let Some(url) = names.iter().find_map(|name| self.variables.get_non_empty(name)) {
            return Ok(Some(url));
        }
        let of_service = match self.in_profile("services") {
            None => None,
            Some(name) => {
                let section =
                    self.files.services(name).filter(|section| !section.is_empty()).ok_or_else(|| {
                        refuse(self.profile_name(), &format!("there is no section [services {name}]"))
                    })?;
                match section.get(service.id()) {
                    None => None,
                    Some(Value::Nested(settings)) => {
                        settings.iter().rev().find(|(key, _)| key == "endpoint_url").map(|(_, url)| url.as_str())
                    }
                    Some(Value::Text(_)) => {
                        let detail = format!(
                            "{} in the section [services {name}] must have its settings in indented lines below it",
                            service.id()
                        );
                        return Err(refuse(self.profile_name(), &detail));
                    }
                }
            }
        };
        let of_all = || self.files.profile(self.profile_name()).and_then(|profile| text(profile, "endpoint_url"));
        Ok(of_service.filter(|url| !url.is_empty()).or_else(|| of_all().filter(|url| !url.is_empty())))
    }

    /// Returns the endpoint of the instance metadata service.
    ///
    /// # Errors
    ///
    /// Returns an error if the mode is neither `ipv4` nor `ipv6`.
    pub fn instance_metadata_endpoint(&self) -> Result<&str> {
        let mode = self.setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
        let is_v6 = match mode.map(str::to_ascii_lowercase).as_deref() {
            None => self.switch("AWS_IMDS_USE_IPV6", "imds_use_ipv6"),
            Some("ipv6") => true,
            Some("ipv4") => false,
            Some(_) => {
                return Err(super::AwsSettingsError::Value {
                    name: "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE or ec2_metadata_service_endpoint_mode".to_owned(),
                    value: mode.unwrap_or_default().to_owned(),
                    expected: "expected ipv4 or ipv6",
                });
            }
        };
        let configured = self.setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
        Ok(match configured.filter(|url| !url.is_empty()) {
            Some(url) => url,
            None if is_v6 => "http://[fd00:ec2::254]",
            None => "http://169.254.169.254",
        })
    }
}
