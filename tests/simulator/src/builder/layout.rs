//! Owns the description of the organization's tree, and of who administers it beside the management account.

use super::Builder;
use crate::account_id::AccountId;

impl Builder {
    /// Adds an organizational unit with this id (`ou-<root>-<8 to 32 letters or digits>`) and name below another one or
    /// the root ([`ROOT_ID`](crate::ROOT_ID)). Parents come first. Accounts are put into it by writing its id, or the
    /// names of the units down to it, into [`SimulatedAccount::ou`](crate::SimulatedAccount::ou).
    ///
    /// [`start`](Self::start) panics if the id is no such id or is taken, if the parent is missing, if it has a child of
    /// this name, or if it is the fifth below the root, which is as deep as AWS goes.
    pub fn unit(mut self, id: &str, name: &str, parent: &str) -> Self {
        self.units.push([id, name, parent].map(str::to_owned));
        self
    }

    /// Registers a member as a delegated administrator, beside the caller if that is one: it may list, roles trust it
    /// unless they name others, and it is listed as what it is.
    pub fn delegated_administrator(mut self, id: impl Into<AccountId>) -> Self {
        self.delegated.push(id.into());
        self
    }
}
