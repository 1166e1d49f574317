//! The size of session tokens: what it depends on, what an answer tells of it, and the faults of the global endpoint.

use std::time::Duration;

use crate::answer::{ApiError, Delivery, Refusal};
use crate::constraint;
use crate::fault::fire;
use crate::network::Service;
use crate::request::Params;
use crate::secrets::mix;
use crate::version::TokenVersion;
use crate::world::World;

/// The longest token that STS issues (STS API reference, `AssumeRole`).
const MAX_SIZE: usize = 4_096;

/// The size of a token of each version without a session policy, as observed for role sessions.
const V1_SIZE: usize = 352;
pub(crate) const V2_SIZE: usize = 752;

/// What the answers of STS tell of the size of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TokenSizes {
    /// `SessionTokenSize` and `SessionTokenUtilization`.
    #[default]
    Reported,
    /// Nothing, as before September 2026 and in emulators.
    Absent,
}

/// Whose setting decides the version of the tokens that the global endpoint issues. AWS does not say it for certain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DecidingAccount {
    /// The account of the role, as the documentation implies.
    #[default]
    Role,
    /// The account of the caller of `AssumeRole`.
    Caller,
}

/// The size that the global endpoint reports for its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GlobalSize {
    /// The true size.
    #[default]
    True,
    /// None, although other answers have sizes.
    Missing,
    /// A third of the difference below the size of version 2.
    Between,
    /// More than the regional token has.
    Longer,
}

/// The faults of one account at the global endpoint alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GlobalFaults {
    /// `AssumeRole` is refused with `AccessDenied`, as by a policy that denies the endpoint.
    pub denied: bool,
    /// How many more times `AssumeRole` gets `Throttling`.
    pub throttle: u32,
    /// How many more times `AssumeRole` gets no answer.
    pub hang: u32,
    /// How many more times the connection is reset.
    pub reset: u32,
    /// How many more times the answer is no document of STS, but still has the session.
    pub garbage: u32,
    /// Every answer is delayed by this time.
    pub slow: Duration,
    /// The reported size.
    pub size: GlobalSize,
}

impl World {
    /// Sets what the answers of STS tell of the size of a token from now on.
    pub fn set_token_sizes(&mut self, sizes: TokenSizes) {
        self.settings.token_sizes = sizes;
    }

    /// Returns the length of a new token. A session policy is part of the token, and the length of the same session differs by some
    /// bytes from request to request.
    pub(crate) fn token_length(&mut self, version: TokenVersion, params: &Params) -> Result<usize, ApiError> {
        let least = constraint::minimum_token_size(params)?;
        let plain = match version {
            TokenVersion::V1 => V1_SIZE,
            TokenVersion::V2 => V2_SIZE,
        };
        // Base64 has four characters for three bytes.
        let policy = params.text("Policy").map_or(0, |text| text.len().div_ceil(3) * 4);
        self.issued += 1;
        let jitter = if self.settings.token_jitter == 0 {
            0
        } else {
            usize::try_from(mix(self.settings.seed ^ self.issued)).unwrap_or(usize::MAX)
                % (self.settings.token_jitter / 4 + 1)
                * 4
        };
        let length = (plain + policy + jitter).max(least);
        if length > MAX_SIZE {
            return Err(ApiError::new(
                400,
                "PackedPolicyTooLarge",
                "The total packed size of the session policies and session tags combined was too large.",
            ));
        }
        Ok(length)
    }

    /// Returns the elements with the size of a token.
    pub(crate) fn token_size(&self, length: usize) -> String {
        match self.settings.token_sizes {
            TokenSizes::Reported => format!(
                "<SessionTokenUtilization>{}</SessionTokenUtilization><SessionTokenSize>{length}</SessionTokenSize>",
                length * 100 / MAX_SIZE
            ),
            TokenSizes::Absent => String::new(),
        }
    }

    /// Returns the elements with the size that the global endpoint reports for a token.
    pub(crate) fn global_token_size(&mut self, index: u32, version: TokenVersion, length: usize) -> String {
        let size = self.account(index).faults.global.size;
        if size != GlobalSize::True {
            self.at(index).note("global_size");
        }
        match size {
            GlobalSize::True => self.token_size(length),
            GlobalSize::Missing => String::new(),
            GlobalSize::Between => self.token_size(match version {
                TokenVersion::V1 => length + (V2_SIZE - V1_SIZE) * 2 / 3,
                TokenVersion::V2 => length - (V2_SIZE - V1_SIZE) / 3,
            }),
            GlobalSize::Longer => self.token_size(length + 900),
        }
    }

    /// Applies the faults of an account at the global endpoint that prevent a call's effect.
    pub(crate) fn fire_global_fault(
        &mut self,
        index: u32,
        denied: impl FnOnce(&mut Self) -> ApiError,
    ) -> Result<(), Refusal> {
        let faults = &mut self.at(index).faults.global;
        let (name, refusal) = if faults.denied {
            ("global_denied", denied(self).into())
        } else if fire(&mut faults.throttle) {
            ("global_throttle", ApiError::throttled(Service::Sts).into())
        } else if fire(&mut faults.hang) {
            ("global_hang", Refusal::Silence(Delivery::Hang))
        } else if fire(&mut faults.reset) {
            ("global_reset", Refusal::Silence(Delivery::Reset))
        } else {
            return Ok(());
        };
        self.at(index).note(name);
        Err(refusal)
    }
}
