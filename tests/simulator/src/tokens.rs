//! The effect of the setting: the version of session tokens that the global STS endpoint issues, and where they are accepted.

use std::time::Duration;

use crate::answer::ApiError;
use crate::credentials::Principal;
use crate::network::Service;
use crate::version::TokenVersion;
use crate::world::{Settings, World};

impl Settings {
    /// Whether an STS request that was signed for this region went to the global endpoint.
    pub(crate) fn is_global_sts(&self, region: &str) -> bool {
        self.issuance_lag.is_some() && region == self.partition.always_on() && region != self.sts_regions[0]
    }

    /// Whether the simulator has an STS endpoint in this region.
    pub(crate) fn is_sts_elsewhere(&self, region: &str) -> bool {
        self.is_global_sts(region) || self.is_opt_in(region)
    }

    fn is_opt_in(&self, region: &str) -> bool {
        self.opt_in_regions.iter().any(|opt_in| opt_in == region)
    }
}

impl World {
    /// Changes the lag between the setting and the tokens of the global STS endpoint. Opens the endpoint if it was closed.
    pub fn set_issuance_lag(&mut self, lag: Duration) {
        self.settings.issuance_lag = Some(lag);
    }

    /// Returns the version of a token that is issued now for a role in this account.
    pub(crate) fn token_version(&self, account: u32, region: &str) -> TokenVersion {
        match self.settings.issuance_lag {
            Some(lag) if self.settings.is_global_sts(region) => {
                self.account(account).version_before(lag).unwrap_or(TokenVersion::V1)
            }
            _ => TokenVersion::V2,
        }
    }

    /// Refuses a token that is not valid in the region.
    pub(crate) fn check_reach(&self, principal: &Principal, service: Service, region: &str) -> Result<(), ApiError> {
        if service == Service::Sts && principal.token == TokenVersion::V1 && self.settings.is_opt_in(region) {
            return Err(ApiError::new(
                403,
                "InvalidClientTokenId",
                "The security token included in the request is invalid",
            ));
        }
        Ok(())
    }
}
