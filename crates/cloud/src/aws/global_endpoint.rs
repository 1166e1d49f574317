//! The global STS endpoint, which only `--verify token`, `--verify token=REGION` and doctor use.

use aws_config::{Region, SdkConfig};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;

use super::super::{AccessMethod, Answer, Failure, Operation, OwnCode, TokenSize};
use super::endpoint::{configured_url, is_aws_host, of_service};
use super::session::{Session, SessionOptions};
use super::sts;
use crate::org::AccountId;

/// The global endpoint, and the Region for which its requests are signed.
const URL: &str = "https://sts.amazonaws.com";
const REGION: &str = "us-east-1";

/// Returns the client of the global endpoint. An endpoint that is configured for STS, and is no host of AWS, stands for all of AWS,
/// including the global endpoint.
pub(super) fn client(config: &SdkConfig) -> Client {
    let url = configured_url(config, "sts").unwrap_or_else(|| URL.to_owned());
    Client::from_conf(Builder::from(&of_service(config, "sts")).region(Region::new(REGION)).endpoint_url(url).build())
}

/// Returns why the configuration does not allow calls to the global endpoint, or does not tell them from those to the endpoint of the
/// run's Region; `None` if it does both.
pub(super) fn obstacle(config: &SdkConfig, region: &str) -> Option<String> {
    if config.use_fips() == Some(true) {
        return Some("the global STS endpoint is no FIPS endpoint".to_owned());
    }
    let url = configured_url(config, "sts")?;
    if is_aws_host(&url) {
        return Some(format!("{url} is configured for STS, and would get the calls for the global endpoint too"));
    }
    // Such a server tells the two endpoints by the Region of the signature. One that only passes requests on to the endpoint of
    // us-east-1 would accept both, and answer with tokens of the same size whatever the global endpoint issues.
    (region == REGION).then(|| {
        format!(
            "{url} is configured for STS, and in Region {REGION} it can't tell the calls for the global endpoint from the others: \
             choose another Region with --region"
        )
    })
}

/// Opens a session through the account's role.
pub(super) async fn assume_role(
    client: &Client,
    account: AccountId,
    access: &AccessMethod,
    options: &SessionOptions,
) -> Result<Answer<Session>, Failure> {
    let AccessMethod::Role(arn) = access else {
        let message = "only a role's session can be proven".to_owned();
        return Err(Failure::own(Operation::AssumeRole, OwnCode::RequestNotBuilt, message));
    };
    sts::assume_role(client, account, arn.to_string(), options).await
}

/// Opens a session with the same parameters as a visit, and returns the size of its token. The session is dropped unused.
pub(super) async fn token_size(
    client: &Client,
    account: AccountId,
    access: &AccessMethod,
    options: &SessionOptions,
) -> Result<Answer<TokenSize>, Failure> {
    let Answer { value, request_id } = assume_role(client, account, access, options).await?;
    let size = value.token_size.expect("AssumeRole issues a token");
    Ok(Answer { value: size, request_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_configuration_that_hides_the_global_endpoint_is_an_obstacle() {
        let with_url = |url: &str| SdkConfig::builder().endpoint_url(url).build();
        let own = "http://127.0.0.1:5000";
        let vpc = "https://vpce-1.sts.us-east-1.vpce.amazonaws.com";
        for (config, region, says) in [
            (SdkConfig::builder().build(), "eu-west-1", ""),
            (SdkConfig::builder().build(), "us-east-1", ""),
            (with_url(own), "eu-west-1", ""),
            (
                with_url(own),
                "us-east-1",
                "can't tell the calls for the global endpoint from the others: choose another Region",
            ),
            (SdkConfig::builder().use_fips(true).build(), "eu-west-1", "no FIPS endpoint"),
            (with_url(vpc), "us-east-1", "would get the calls for the global endpoint too"),
            (
                with_url("https://sts.eu-west-1.api.aws"),
                "eu-west-1",
                "https://sts.eu-west-1.api.aws is configured for STS",
            ),
        ] {
            let found = obstacle(&config, region).unwrap_or_default();
            assert!(found.contains(says) && found.is_empty() == says.is_empty(), "{region} {says}: {found}");
        }
    }
}
