//! The builder's methods about access: the caller, its credentials and its rights.

use super::Builder;
use crate::root_access::RootAccess;
use crate::world::Caller;

impl Builder {
    /// Whose credentials the program is given.
    pub fn caller(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// What the user whose credentials the program is given may do, as a policy document; everything by default.
    /// [`start`](Self::start) panics if it is not a policy.
    pub fn caller_policy(mut self, document: &str) -> Self {
        self.caller_policy = Some(document.to_owned());
        self
    }

    /// Whether those credentials are the root user's of their account.
    pub fn root_user(mut self, root: bool) -> Self {
        self.root_user = root;
        self
    }

    /// Whether those credentials are temporary and have a session token.
    pub fn base_session(mut self, temporary: bool) -> Self {
        self.base_session = temporary;
        self
    }

    /// Lets those credentials expire after this many sessions of accounts.
    pub fn base_credentials_expire_after(mut self, assumes: u64) -> Self {
        self.base_expires_after = Some(assumes);
        self
    }

    /// Whether `AssumeRoot` works, or what prevents it.
    pub fn root_access(mut self, access: impl Into<RootAccess>) -> Self {
        self.root_access = access.into();
        self
    }

    /// Gives the user whose credentials the program is given an MFA device with these codes, each for one use. Its
    /// serial number is [`World::mfa_serial`](crate::World::mfa_serial).
    pub fn mfa_codes<'a>(mut self, codes: impl IntoIterator<Item = &'a str>) -> Self {
        self.mfa_codes = Some(codes.into_iter().map(str::to_owned).collect());
        self
    }

    /// Whether the user's own policy denies Organizations without MFA.
    pub fn organizations_require_mfa(mut self, required: bool) -> Self {
        self.organizations_need_mfa = required;
        self
    }
}
