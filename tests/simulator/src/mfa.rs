//! Multi-factor authentication: the operator's device and its one-time codes.

use crate::answer::ApiError;
use crate::constraint::{SERIAL_NUMBER, TOKEN_CODE};
use crate::credentials::{Identity, Login, Principal};
use crate::request::Params;
use crate::world::World;

/// The device of the user whose credentials the program is given.
#[derive(Debug)]
pub(crate) struct Device {
    /// The unused codes, which do not depend on the time.
    codes: Vec<String>,
}

impl Device {
    pub fn new(codes: Vec<String>) -> Self {
        Self { codes }
    }

    /// Uses up a code and returns whether it was valid.
    fn take(&mut self, code: &str) -> bool {
        let position = self.codes.iter().position(|known| known == code);
        position.map(|position| self.codes.remove(position)).is_some()
    }
}

impl World {
    /// The serial number of the operator's device. It follows from the user's name, even if the user has no device.
    #[must_use]
    pub fn mfa_serial(&self) -> String {
        let account = self.account(self.vault.operator().account).id();
        format!("arn:{}:iam::{account}:mfa/operator", self.settings.partition.name)
    }

    /// Replaces the codes of the operator's device.
    pub fn set_mfa_codes<'a>(&mut self, codes: impl IntoIterator<Item = &'a str>) {
        self.mfa = Some(Device::new(codes.into_iter().map(str::to_owned).collect()));
    }

    /// Returns whether a request has a valid code. An invalid code is an error; a missing code is not.
    pub(crate) fn check_mfa(&mut self, caller: &Principal, params: &Params) -> Result<bool, ApiError> {
        let refused = |message: &'static str| ApiError::new(403, "AccessDenied", message);
        let (serial, code) = match (SERIAL_NUMBER.check(params)?, TOKEN_CODE.check(params)?) {
            (None, None) => return Ok(false),
            (Some(serial), Some(code)) => (serial, code),
            _ => {
                return Err(refused(
                    "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
                ));
            }
        };
        let is_users = caller.identity == Identity::Operator(Login::Keys) && serial == self.mfa_serial();
        let Some(device) = self.mfa.as_mut().filter(|_| is_users) else {
            // The message has two spaces, like the message of AWS.
            return Err(refused(
                "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.",
            ));
        };
        if device.take(code) {
            return Ok(true);
        }
        self.note("mfa_code_refused");
        Err(refused("MultiFactorAuthentication failed with invalid MFA one time pass code. "))
    }
}
