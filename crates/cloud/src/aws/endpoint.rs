//! Resolves the endpoints before the first call, and refuses the global STS endpoint.
//!
//! The SDK never chooses the global STS endpoint by default. But Region `aws-global` leads to it, and so can an endpoint that is
//! configured in the environment, in a profile, or on the command line.

use aws_config::SdkConfig;
use aws_types::origin::Origin;
use aws_types::service_config::ServiceConfigKey;

/// The host of the global STS endpoint.
const GLOBAL_STS: &str = "sts.amazonaws.com";

/// The endpoint can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// The URL is the global STS endpoint.
    #[error(
        "{url} is the global STS endpoint: the sessions it issues are v1 tokens while an account is at v1Token, and Regions that are enabled by hand refuse them"
    )]
    Global {
        /// The configured URL.
        url: String,
    },
    /// The URL contains a user name and possibly a password, which would appear in the report.
    #[error("the endpoint URL holds a user name or a password: remove everything up to the @")]
    UserInfo,
    /// The text is not a URL.
    #[error("{url:?} is not an endpoint URL: expected http://host or https://host")]
    NotAUrl {
        /// The configured URL.
        url: String,
    },
    /// The SDK can't resolve an endpoint from the configuration.
    #[error("the configuration resolves to no endpoint: {detail}")]
    Unresolved {
        /// The SDK's message.
        detail: String,
    },
}

/// Checks `given` and the endpoints of the environment and of the profile, and returns the configuration. If `given` is set, it
/// replaces the other endpoints.
///
/// The SDK ranks endpoints by their origin, and the origin that is set here takes precedence over all others. The providers of
/// the first credentials and of the profile's roles do not use `given`, because they are created from the configuration without
/// it.
pub(super) fn with_override(config: SdkConfig, given: Option<&str>) -> Result<SdkConfig, EndpointError> {
    given.map_or(Ok(()), check_url)?;
    for service in ["sts", "iam", "iam_toolbox", "organizations"] {
        configured_url(&config, service).map_or(Ok(()), |url| check_url(&url))?;
    }
    let Some(url) = given else { return Ok(config) };
    let mut builder = config.into_builder().endpoint_url(url);
    builder.insert_origin("endpoint_url", Origin::shared_config());
    Ok(builder.build())
}

/// Returns the STS endpoint of the run.
pub(super) async fn regional_sts(config: &SdkConfig, region: &str) -> Result<String, EndpointError> {
    let url = sts(config, region).await?.trim_end_matches('/').to_owned();
    check_url(&url)?;
    Ok(url)
}

/// Defines a function that resolves the endpoint of a service. It is a macro, because each SDK crate has types of its own for the
/// same parameters.
macro_rules! resolver {
    ($visibility:vis $service:ident, $sdk:ident) => {
        $visibility async fn $service(config: &SdkConfig, region: &str) -> Result<String, EndpointError> {
            use $sdk::config::endpoint::{DefaultResolver, Params, ResolveEndpoint as _};
            let config = of_service(config, stringify!($service));
            let params = Params::builder()
                .region(region)
                .set_use_fips(config.use_fips())
                .set_use_dual_stack(config.use_dual_stack())
                .set_endpoint(configured_url(&config, stringify!($service)))
                .build()
                .map_err(unresolved)?;
            Ok(DefaultResolver::new().resolve_endpoint(&params).await.map_err(unresolved)?.url().to_owned())
        }
    };
}

resolver!(pub(super) sts, aws_sdk_sts);
resolver!(pub(super) iam, aws_sdk_iam);
resolver!(pub(super) organizations, aws_sdk_organizations);
resolver!(pub(super) cloudtrail, aws_sdk_cloudtrail);
resolver!(pub(super) account, aws_sdk_account);

/// Returns the configuration for a service. FIPS and dual stack are variants of AWS's own hosts. With another endpoint, the SDK
/// refuses them, but botocore ignores them, so this function switches them off.
pub(crate) fn of_service(config: &SdkConfig, service: &str) -> SdkConfig {
    if configured_url(config, service).is_some() {
        config.to_builder().use_fips(false).use_dual_stack(false).build()
    } else {
        config.clone()
    }
}

fn unresolved(error: impl std::fmt::Display) -> EndpointError {
    EndpointError::Unresolved { detail: error.to_string() }
}

/// Returns the endpoint that is configured for a service, in the SDK's order of precedence (aws-config, `src/lib.rs`; aws-types,
/// `src/service_config.rs`).
pub(crate) fn configured_url(config: &SdkConfig, service: &str) -> Option<String> {
    let of_service = || {
        let key = ServiceConfigKey::builder()
            .service_id(service)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build()
            .expect("all three are given");
        config.service_config().and_then(|services| services.load_config(key))
    };
    // An empty URL counts as not set.
    let is_set = |url: &String| !url.is_empty();
    let overridden = config.get_origin("endpoint_url").is_client_config();
    let own = if overridden { None } else { of_service() };
    own.filter(is_set).or_else(|| config.endpoint_url().map(str::to_owned).filter(is_set))
}

/// Whether a URL names one of AWS's own hosts. A host that is not AWS's own stands for all of AWS, including the global endpoint.
pub(super) fn is_aws_host(url: &str) -> bool {
    let lower = url.to_ascii_lowercase();
    [".amazonaws.com", ".api.aws"].iter().any(|domain| lower.contains(domain))
}

/// Whether an endpoint of a server that is not AWS's own is configured for IAM, but not for IAM Access Troubleshooter. That server has
/// given the authorization ids, and AWS does not know them.
pub(super) fn troubleshooter_is_elsewhere(config: &SdkConfig) -> bool {
    configured_url(config, "iam").is_some_and(|url| !is_aws_host(&url))
        && configured_url(config, "iam_toolbox").is_none()
}

/// Whether a text can be a part of a host name.
pub fn is_host_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Returns the host and the port of a URL. `rest` is the part of the URL after `://`.
pub fn authority(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// Whether a URL has a host that botocore accepts (1.43, `utils.py`, `is_valid_endpoint_url`).
pub fn has_valid_host(url: &str) -> bool {
    let host_and_port = url.split_once("://").map_or("", |(_, rest)| authority(rest));
    if let Some(inside) = host_and_port.strip_prefix('[') {
        return inside.split(']').next().is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok());
    }
    let host = host_and_port.split(':').next().unwrap_or_default();
    let host = host.strip_suffix('.').unwrap_or(host);
    !url.contains(['\t', '\r', '\n']) && host.len() <= 255 && host.split('.').all(is_host_label)
}

/// Checks that the text is a URL, and that it is not the global STS endpoint.
pub(super) fn check_url(url: &str) -> Result<(), EndpointError> {
    // A malformed URL can still contain a password, for example if a slash is missing, so a URL with an `@` is not shown.
    let refused =
        || if url.contains('@') { EndpointError::UserInfo } else { EndpointError::NotAUrl { url: url.to_owned() } };
    let (scheme, rest) = url.split_once("://").ok_or_else(refused)?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Err(refused());
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(EndpointError::UserInfo);
    }
    let host = authority.split(':').next().unwrap_or_default().trim_end_matches('.');
    let is_url_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]!$&'()*+,;=%".contains(&byte);
    if !has_valid_host(url) || !url.bytes().all(is_url_byte) {
        return Err(refused());
    }
    if host.eq_ignore_ascii_case(GLOBAL_STS) {
        return Err(EndpointError::Global { url: url.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_global_endpoint_is_refused_in_every_spelling() {
        for url in [
            "https://sts.amazonaws.com",
            "https://sts.amazonaws.com/",
            "http://STS.amazonaws.com:443/path",
            "https://sts.amazonaws.com.",
            "HTTPS://sts.amazonaws.com?x",
        ] {
            assert!(matches!(check_url(url), Err(EndpointError::Global { .. })), "{url}");
        }
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_repeated() {
        for url in [
            "https://user:hunter2@host/",
            "https://user:hunter2@",
            "user:hunter2@host",
            "https:/user:hunter2@host",
            "ftp://u:hunter2@h",
        ] {
            let refused = check_url(url).unwrap_err();
            assert!(!refused.to_string().contains("hunter2"), "{refused}");
        }
    }

    #[test]
    fn other_endpoints_are_accepted_if_they_are_urls() {
        for url in [
            "https://sts.eu-west-1.amazonaws.com",
            "http://127.0.0.1:5000",
            "http://[::1]:5000/",
            "https://vpce-1.sts.us-east-1.vpce.amazonaws.com",
            "https://sts.amazonaws.com.cn",
        ] {
            assert_eq!(check_url(url), Ok(()), "{url}");
        }
        for url in [
            "",
            "localhost:5000",
            "ftp://host",
            "https://",
            "https:// host",
            "https://sts.amazonaws.com\\x",
            "https://höst",
        ] {
            assert!(matches!(check_url(url), Err(EndpointError::NotAUrl { .. })), "{url:?}");
        }
    }
}
