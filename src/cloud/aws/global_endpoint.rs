//! The global STS endpoint, which only `--verify token`, `--verify token=REGION` and doctor use.

use aws_config::{Region, SdkConfig};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;

use super::super::{AccessMethod, Answer, Failure, Operation, OwnCode, TokenSize};
use super::endpoint::{configured_aws_host, configured_url, of_service};
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

/// Returns why the configuration does not allow calls to the global endpoint; `None` if it does.
pub(super) fn obstacle(config: &SdkConfig) -> Option<String> {
    if config.use_fips() == Some(true) {
        return Some("the global STS endpoint is no FIPS endpoint".to_owned());
    }
    let url = configured_aws_host(config)?;
    Some(format!("{url} is configured for STS, and would get the calls for the global endpoint too"))
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
    sts::assume_role(client, account, arn, options).await
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
        for (config, says) in [
            (SdkConfig::builder().build(), ""),
            (with_url("http://127.0.0.1:5000"), ""),
            (SdkConfig::builder().use_fips(true).build(), "no FIPS endpoint"),
            (
                with_url("https://vpce-1.sts.us-east-1.vpce.amazonaws.com"),
                "would get the calls for the global endpoint too",
            ),
            (with_url("https://sts.eu-west-1.api.aws"), "https://sts.eu-west-1.api.aws is configured for STS"),
        ] {
            let found = obstacle(&config).unwrap_or_default();
            assert!(found.contains(says) && found.is_empty() == says.is_empty(), "{says}: {found}");
        }
    }
}
