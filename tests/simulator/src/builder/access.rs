//! The builder's methods about access: the caller, its credentials and its rights.

use super::Builder;
use crate::root_access::RootAccess;
use crate::world::Caller;

impl Builder {
    /// Sets whose credentials the program is given.
    pub fn caller(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }

    /// A policy document that says what the operator, the user whose credentials the program is given, is allowed to do;
    /// everything by default. [`start`](Self::start) panics if the document is not a policy.
    pub fn caller_policy(mut self, document: &str) -> Self {
        self.caller_policy = Some(document.to_owned());
        self
    }

    /// Whether the operator is the root user of its account.
    pub fn root_user(mut self, root: bool) -> Self {
        self.root_user = root;
        self
    }

    /// Whether the operator's credentials are temporary and have a session token.
    pub fn base_session(mut self, temporary: bool) -> Self {
        self.base_session = temporary;
        self
    }

    /// Lets the operator's credentials expire after this many successful `AssumeRole` and `AssumeRoot` calls.
    pub fn base_credentials_expire_after(mut self, assumes: u64) -> Self {
        self.base_expires_after = Some(assumes);
        self
    }

    /// Whether `AssumeRoot` works, or what prevents it.
    pub fn root_access(mut self, access: impl Into<RootAccess>) -> Self {
        self.root_access = access.into();
        self
    }

    /// Gives the operator an MFA device with these codes, each for one use. The device's serial number is
    /// [`World::mfa_serial`](crate::World::mfa_serial).
    pub fn mfa_codes<'a>(mut self, codes: impl IntoIterator<Item = &'a str>) -> Self {
        self.mfa_codes = Some(codes.into_iter().map(str::to_owned).collect());
        self
    }

    /// Whether the operator's own policy denies Organizations without MFA.
    pub fn organizations_require_mfa(mut self, required: bool) -> Self {
        self.organizations_need_mfa = required;
        self
    }
}
