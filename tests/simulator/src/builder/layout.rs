//! The builder's methods about organizational units and delegated administrators.

use super::Builder;
use crate::account_id::AccountId;

impl Builder {
    /// Adds an organizational unit with this id (`ou-<root>-<8 to 32 letters or digits>`) and name below another unit or the root
    /// ([`ROOT_ID`](crate::ROOT_ID)). A parent must be added before its children. To put an account into the unit, write the
    /// unit's id, or the names of the units down to it, into [`SimulatedAccount::ou`](crate::SimulatedAccount::ou).
    ///
    /// [`start`](Self::start) panics if the id has another form or is taken, or if the parent is missing or has a child of this
    /// name. It also panics if the parent is at the fifth level below the root, which is the deepest level that AWS allows.
    pub fn unit(mut self, id: &str, name: &str, parent: &str) -> Self {
        self.units.push([id, name, parent].map(str::to_owned));
        self
    }

    /// Registers a member as a delegated administrator, in addition to a caller that is a delegated administrator. The member is
    /// allowed to list accounts, roles trust it by default, and `ListDelegatedAdministrators` shows it.
    pub fn delegated_administrator(mut self, id: impl Into<AccountId>) -> Self {
        self.delegated.push(id.into());
        self
    }
}
