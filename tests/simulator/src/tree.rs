//! Owns the tree of organizational units and the ids of the organization.

use crate::account_id::AccountId;
use crate::derive::mix;

/// The id of every simulated organization.
pub const ORGANIZATION_ID: &str = "o-exampleorg1";
/// The id of its root.
pub const ROOT_ID: &str = "r-ab12";

/// The root or an organizational unit.
#[derive(Debug)]
pub(crate) struct Unit {
    pub id: String,
    pub name: String,
    pub parent: Option<u32>,
    pub children: Vec<u32>,
    /// Indexes of the accounts directly in it.
    pub accounts: Vec<u32>,
    /// `o-…/r-…/ou-…/…/` down to the unit itself.
    pub path: String,
}

/// All units; the first is the root.
#[derive(Debug)]
pub(crate) struct Tree {
    pub units: Vec<Unit>,
    seed: u64,
}

impl Tree {
    pub fn new(seed: u64) -> Self {
        let root = Unit {
            id: ROOT_ID.to_owned(),
            name: "Root".to_owned(),
            parent: None,
            children: Vec::new(),
            accounts: Vec::new(),
            path: format!("{ORGANIZATION_ID}/{ROOT_ID}/"),
        };
        Self { units: vec![root], seed }
    }

    pub fn find(&self, id: &str) -> Option<u32> {
        self.units.iter().position(|unit| unit.id == id).and_then(|index| u32::try_from(index).ok())
    }

    pub fn unit(&self, index: u32) -> &Unit {
        &self.units[index as usize]
    }

    /// The unit at a path of names such as `Workloads/Prod`, created where it does not exist.
    pub fn unit_at(&mut self, names: &str) -> u32 {
        names.split('/').filter(|name| !name.is_empty()).fold(0, |parent, name| self.child(parent, name))
    }

    fn child(&mut self, parent: u32, name: &str) -> u32 {
        let existing = self.unit(parent).children.iter().copied().find(|child| self.unit(*child).name == name);
        existing.unwrap_or_else(|| {
            let index = u32::try_from(self.units.len()).expect("there are fewer units than accounts");
            let id = self.unit_id(index);
            let path = format!("{}{id}/", self.unit(parent).path);
            self.units.push(Unit {
                id,
                name: name.to_owned(),
                parent: Some(parent),
                children: Vec::new(),
                accounts: Vec::new(),
                path,
            });
            self.units[parent as usize].children.push(index);
            index
        })
    }

    /// `ou-ab12-` and eight letters or digits, like the real ones.
    fn unit_id(&self, index: u32) -> String {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        // The low bits carry the index as it is, so that two units never share an id.
        let bits = u64::from(index) | (mix(self.seed ^ u64::from(index)) << 20);
        let suffix: String =
            (0..8).rev().map(|position| char::from(ALPHABET[(bits >> (position * 5) & 31) as usize])).collect();
        format!("ou-{}-{suffix}", &ROOT_ID[2..])
    }

    /// Puts an account into a unit, out of the one it was in.
    pub fn place(&mut self, account: u32, from: Option<u32>, to: u32) {
        if let Some(from) = from {
            self.units[from as usize].accounts.retain(|other| *other != account);
        }
        self.units[to as usize].accounts.push(account);
    }

    /// The path that Organizations shows for an account.
    pub fn account_path(&self, unit: u32, account: AccountId) -> String {
        format!("{}{account}/", self.unit(unit).path)
    }

    /// Names from below the root down to a unit, e.g. `Workloads/Prod`; empty for the root.
    pub fn names(&self, unit: u32) -> String {
        let mut names = Vec::new();
        let mut current = unit;
        while let Some(parent) = self.unit(current).parent {
            names.push(self.unit(current).name.as_str());
            current = parent;
        }
        names.reverse();
        names.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_from_the_organization_to_the_account() {
        let mut tree = Tree::new(7);
        let prod = tree.unit_at("Workloads/Prod");
        let other = tree.unit_at("Workloads/Dev");
        assert_eq!(tree.unit_at("Workloads/Prod"), prod);
        assert_ne!(tree.unit(prod).id, tree.unit(other).id);
        assert_eq!(tree.unit(prod).id.len(), "ou-ab12-cdefgh34".len());
        let parent = tree.unit(tree.unit(prod).parent.unwrap());
        assert_eq!(
            tree.account_path(prod, AccountId::new(5)),
            format!("{ORGANIZATION_ID}/{ROOT_ID}/{}/{}/000000000005/", parent.id, tree.unit(prod).id)
        );
        assert_eq!(tree.names(prod), "Workloads/Prod");
        assert_eq!(tree.unit_at(""), 0);
    }
}
