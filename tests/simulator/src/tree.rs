//! The tree of organizational units, and the ids of the organization.

use crate::account_id::AccountId;
use crate::secrets::mix;

/// The id of every simulated organization.
pub const ORGANIZATION_ID: &str = "o-exampleorg1";
/// The id of the organization's root.
pub const ROOT_ID: &str = "r-ab12";

/// The deepest level of units below the root.
const MAX_DEPTH: usize = 5;

/// The root or an organizational unit.
#[derive(Debug)]
pub(crate) struct Unit {
    pub id: String,
    pub name: String,
    pub parent: Option<u32>,
    pub children: Vec<u32>,
    /// The indexes of the accounts directly in the unit.
    pub accounts: Vec<u32>,
    /// The path from the organization to the unit itself, `o-…/r-…/ou-…/…/`.
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

    /// Adds a unit with this id.
    ///
    /// # Panics
    /// If AWS does not allow such a unit below this parent.
    pub fn add(&mut self, id: &str, name: &str, parent: &str) {
        let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        let suffix = id.strip_prefix("ou-").and_then(|rest| rest.split_once('-'));
        let is_id = suffix.is_some_and(|(root, own)| {
            letters(root) && letters(own) && (4..=32).contains(&root.len()) && (8..=32).contains(&own.len())
        });
        assert!(is_id && self.find(id).is_none(), "{id} is no id of a unit, or is taken");
        let above = self.find(parent).unwrap_or_else(|| panic!("there is no unit {parent}"));
        assert!(self.depth(above) < MAX_DEPTH, "{id} would be too deep");
        let twin = self.unit(above).children.iter().any(|child| self.unit(*child).name == name);
        assert!(!twin, "{parent} already has a unit {name}");
        self.push(id.to_owned(), name, above);
    }

    fn depth(&self, unit: u32) -> usize {
        std::iter::successors(self.unit(unit).parent, |parent| self.unit(*parent).parent).count()
    }

    /// Returns the unit with an id, or the unit at a path of names such as `Workloads/Prod`. Creates the units of the path that
    /// do not exist.
    pub fn unit_at(&mut self, names: &str) -> u32 {
        if let Some(unit) = self.find(names) {
            return unit;
        }
        names.split('/').filter(|name| !name.is_empty()).fold(0, |parent, name| self.child(parent, name))
    }

    fn child(&mut self, parent: u32, name: &str) -> u32 {
        let existing = self.unit(parent).children.iter().copied().find(|child| self.unit(*child).name == name);
        existing.unwrap_or_else(|| {
            let index = u32::try_from(self.units.len()).expect("there are fewer units than accounts");
            self.push(self.unit_id(index), name, parent)
        })
    }

    fn push(&mut self, id: String, name: &str, parent: u32) -> u32 {
        let index = u32::try_from(self.units.len()).expect("there are fewer units than accounts");
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
    }

    /// Returns an id of `ou-ab12-` and eight letters or digits, like real ids.
    fn unit_id(&self, index: u32) -> String {
        const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        // The low bits contain the index, so two units never have the same id.
        let bits = u64::from(index) | (mix(self.seed ^ u64::from(index)) << 20);
        let suffix: String =
            (0..8).rev().map(|position| char::from(ALPHABET[(bits >> (position * 5) & 31) as usize])).collect();
        format!("ou-{}-{suffix}", &ROOT_ID[2..])
    }

    /// Moves an account from the unit that it was in to another unit.
    pub fn place(&mut self, account: u32, from: Option<u32>, to: u32) {
        if let Some(from) = from {
            self.units[from as usize].accounts.retain(|other| *other != account);
        }
        self.units[to as usize].accounts.push(account);
    }

    /// Returns the path that Organizations shows for an account.
    pub fn account_path(&self, unit: u32, account: AccountId) -> String {
        format!("{}{account}/", self.unit(unit).path)
    }

    /// Returns the names of the units from below the root down to this unit, e.g. `Workloads/Prod`; empty for the root.
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
