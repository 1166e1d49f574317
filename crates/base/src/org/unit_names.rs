//! The names of the Organization's OUs and roots, and the OU that a path of names such as `Root/Workloads/Prod` stands for.
//!
//! A name may contain any character (Organizations API reference, `OrganizationalUnit`), slashes included. So a path of names is
//! never split: an OU is meant if the names from its root down to it, joined by slashes, are the whole text.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use super::account::{Account, AccountAttributes};
use super::organizational_unit::{UnitId, steps_in};

/// An OU or a root: its name, and the OU or root that it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// `None` for a root.
    pub parent: Option<UnitId>,
    /// The name of the root or OU.
    pub name: String,
}

/// The names that are known so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitNames(BTreeMap<UnitId, Unit>);

impl UnitNames {
    /// Adds an OU or a root. `parent` is `None` for a root.
    pub fn insert(&mut self, id: UnitId, parent: Option<UnitId>, name: String) {
        self.0.insert(id, Unit { parent, name });
    }

    /// Returns all roots and OUs with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&UnitId, &Unit)> {
        self.0.iter()
    }

    /// Returns the path of names of an OU or a root, or `None` if the name of it or of an OU above it is not known.
    pub fn path(&self, id: &UnitId) -> Option<String> {
        // A tree has no circle, but a damaged file can have one.
        let mut steps: Vec<&str> = Vec::new();
        let mut above = Some(id);
        while let Some(id) = above.filter(|_| steps.len() <= self.0.len()) {
            let unit = self.0.get(id)?;
            steps.push(&unit.name);
            above = unit.parent.as_ref();
        }
        steps.reverse();
        Some(steps.join("/"))
    }

    /// Returns the names of the root and the OUs in a path of ids, `o-…/r-…/ou-…/`. An OU whose name is not known keeps its id. Returns
    /// nothing if no name is known.
    ///
    /// Journals of format 1 can have a name behind an id, as `ou-… (name)`.
    fn translate(&self, ou_path: &str) -> Vec<String> {
        let mut is_named = false;
        let steps = steps_in(ou_path).into_iter().map(|(id, name)| {
            let known = id.parse().ok().and_then(|id: UnitId| self.0.get(&id)).map(|unit| unit.name.as_str()).or(name);
            is_named |= known.is_some();
            known.unwrap_or(id).to_owned()
        });
        let steps: Vec<String> = steps.collect();
        if is_named { steps } else { Vec::new() }
    }

    /// Sets the names of the OUs of the accounts.
    pub fn name(&self, accounts: &mut [Account]) {
        let mut named: HashMap<Arc<AccountAttributes>, Arc<AccountAttributes>> = HashMap::new();
        for account in accounts {
            let attributes = named.entry(Arc::clone(&account.attributes)).or_insert_with_key(|unnamed| {
                let ou_names = self.translate(&unnamed.ou_path);
                Arc::new(AccountAttributes { ou_names, ..AccountAttributes::clone(unnamed) })
            });
            account.attributes = Arc::clone(attributes);
        }
    }

    /// Returns the OUs and roots whose children have to be listed to know the names of all OUs on these paths of ids, the highest
    /// first, and whether the roots have to be listed.
    pub fn unread<'a>(&self, ou_paths: impl IntoIterator<Item = &'a str>) -> (bool, Vec<UnitId>) {
        let (mut roots, mut parents) = (false, BTreeSet::new());
        for path in ou_paths.into_iter().collect::<BTreeSet<_>>() {
            let mut above: Option<UnitId> = None;
            for (depth, (id, name)) in steps_in(path).into_iter().enumerate() {
                let Ok(id) = id.parse::<UnitId>() else { break };
                if name.is_none() && !self.0.contains_key(&id) {
                    match &above {
                        None => roots = true,
                        Some(parent) => drop(parents.insert((depth, parent.clone()))),
                    }
                }
                above = Some(id);
            }
        }
        (roots, parents.into_iter().map(|(_, parent)| parent).collect())
    }
}

/// No OU, or more than one, has a path of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMisses {
    /// The path of names.
    pub text: String,
    /// Whether all of `near` have exactly this path.
    pub ambiguous: bool,
    /// The OUs that have this path, or one that is like it, the most similar first. Each with its path of names.
    pub near: Vec<(UnitId, String)>,
    /// The OUs whose path is the beginning of the text. Below them may be OUs whose names are not known yet.
    pub below: Vec<UnitId>,
}

impl fmt::Display for NearMisses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text, near, .. } = self;
        if self.ambiguous {
            let ids = near.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>().join(", ");
            return write!(
                f,
                "{} OUs have the path of names {text:?}: give the id of the one that is meant, {ids}",
                near.len()
            );
        }
        write!(f, "the Organization has no OU or root with the path of names {text:?}")?;
        let near: Vec<String> = near.iter().map(|(id, path)| format!("{path:?} ({id})")).collect();
        if near.is_empty() { Ok(()) } else { write!(f, "; those most like it are {}", near.join(", ")) }
    }
}

/// Returns the OU or root that a path of names stands for. Letters of another case are another name; a slash at the end has no meaning
/// unless it belongs to a name.
///
/// # Errors
///
/// Returns the OUs with a similar path if no OU has this path, and all that have it if there are several.
pub fn resolve(names: &UnitNames, text: &str) -> Result<UnitId, NearMisses> {
    /// How many OUs are named at most if none has the path.
    const NAMED: usize = 3;
    let paths: Vec<(&UnitId, String)> = names.iter().filter_map(|(id, _)| Some((id, names.path(id)?))).collect();
    let with_path = |text: &str| -> Vec<(UnitId, String)> {
        paths.iter().filter(|(_, path)| path == text).map(|(id, path)| ((*id).clone(), path.clone())).collect()
    };
    let mut found = with_path(text);
    if found.is_empty() {
        found = with_path(text.trim_end_matches('/'));
    }
    match found.as_slice() {
        [(id, _)] => Ok(id.clone()),
        [] => {
            let mut near: Vec<&(&UnitId, String)> = paths.iter().collect();
            near.sort_by_cached_key(|(_, path)| dissimilarity(text, path));
            let near = near.into_iter().take(NAMED).map(|(id, path)| ((*id).clone(), path.clone())).collect();
            let above = paths
                .iter()
                .filter(|(_, path)| text.strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/')));
            let below = above.map(|(id, _)| (*id).clone()).collect();
            Err(NearMisses { text: text.to_owned(), ambiguous: false, near, below })
        }
        _ => Err(NearMisses { text: text.to_owned(), ambiguous: true, near: found, below: Vec::new() }),
    }
}

/// Ranks how unlike a path is to what was typed. A path that ends with the typed text, such as `Root/Workloads` for `Workloads`, comes
/// before one that has to be edited. Capital letters do not count.
fn dissimilarity(typed: &str, path: &str) -> (bool, usize) {
    let (typed, path) = (typed.trim_matches('/').to_lowercase(), path.to_lowercase());
    let is_end = path.strip_suffix(&typed).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    (!is_end, strsim::osa_distance(&typed, &path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> UnitId {
        text.parse().unwrap()
    }

    /// Each row has the id, the parent's id and the name. Two paths of names have two OUs each: one pair because of a slash in a name.
    fn tree() -> UnitNames {
        let mut names = UnitNames::default();
        names.insert(id("r-ab"), None, "Root".to_owned());
        for (unit, parent, name) in [
            ("ou-ab-work", "r-ab", "Workloads"),
            ("ou-ab-prod", "ou-ab-work", "Prod"),
            ("ou-ab-test", "ou-ab-work", "Test and Dev"),
            ("ou-ab-sand", "r-ab", "Sandbox"),
            ("ou-ab-slash", "r-ab", "A/B"),
            ("ou-ab-a", "r-ab", "A"),
            ("ou-ab-b", "ou-ab-a", "B"),
            ("ou-ab-odd", "r-ab", "odd/"),
            ("ou-ab-lost", "ou-ab-unread", "Lost"),
        ] {
            names.insert(id(unit), Some(id(parent)), name.to_owned());
        }
        names
    }

    #[test]
    fn a_path_of_names_stands_for_one_ou() {
        for (text, expected) in [
            ("Root", "r-ab"),
            ("Root/", "r-ab"),
            ("Root/Workloads", "ou-ab-work"),
            ("Root/Workloads/Prod", "ou-ab-prod"),
            ("Root/Workloads/Prod/", "ou-ab-prod"),
            ("Root/Workloads/Test and Dev", "ou-ab-test"),
            ("Root/A", "ou-ab-a"),
            ("Root/odd/", "ou-ab-odd"),
        ] {
            assert_eq!(resolve(&tree(), text), Ok(id(expected)), "{text}");
        }
    }

    #[test]
    fn an_unknown_path_lists_the_most_similar_and_an_ambiguous_one_all() {
        // Each row has the text, the first of the similar OUs, and the OUs above what is not known.
        for (text, nearest, below) in [
            ("Root/Workloads/Prd", "ou-ab-prod", vec!["ou-ab-work", "r-ab"]),
            ("root/workloads/prod", "ou-ab-prod", vec![]),
            ("Prod", "ou-ab-prod", vec![]),
            ("Workloads/Prod", "ou-ab-prod", vec![]),
            ("/Root/Sandbox", "ou-ab-sand", vec![]),
            ("Root/Workloads/Prod/EU", "ou-ab-prod", vec!["ou-ab-prod", "ou-ab-work", "r-ab"]),
            ("Rot", "r-ab", vec![]),
        ] {
            let missed = resolve(&tree(), text).unwrap_err();
            assert_eq!(
                (missed.ambiguous, &missed.near[0].0, missed.near.len()),
                (false, &id(nearest), 3),
                "{text}: {missed}"
            );
            assert_eq!(missed.below, below.into_iter().map(id).collect::<Vec<_>>(), "{text}");
            assert!(missed.to_string().contains(&format!("{text:?}; those most like it are")), "{missed}");
        }
        let missed = resolve(&tree(), "Root/A/B").unwrap_err();
        assert!(missed.ambiguous);
        let expected =
            "2 OUs have the path of names \"Root/A/B\": give the id of the one that is meant, ou-ab-b, ou-ab-slash";
        assert_eq!(missed.to_string(), expected);
        let missed = resolve(&UnitNames::default(), "Root").unwrap_err();
        assert_eq!(missed.to_string(), "the Organization has no OU or root with the path of names \"Root\"");
    }

    #[test]
    fn paths_of_ids_are_translated_as_far_as_names_are_known() {
        for (path, expected) in [
            ("o-x/r-ab/", "Root"),
            ("o-x/r-ab/ou-ab-work/ou-ab-prod/", "Root/Workloads/Prod"),
            ("o-x/r-ab/ou-ab-work/ou-ab-new/", "Root/Workloads/ou-ab-new"),
            ("o-x/r-zz/ou-zz-new/", ""),
            ("o-x/r-zz/ou-zz-new (Prod / EU)/ou-zz-two/", "r-zz/Prod / EU/ou-zz-two"),
            ("", ""),
        ] {
            assert_eq!(tree().translate(path).join("/"), expected, "{path}");
        }
        assert_eq!(UnitNames::default().translate("o-x/r-ab/ou-ab-work/"), [""; 0]);
    }

    #[test]
    fn only_parents_of_ous_without_a_name_are_listed() {
        let paths = ["o-x/r-ab/ou-ab-work/ou-ab-prod/ou-ab-deep/", "o-x/r-ab/", "o-x/r-ab/ou-ab-sand/", ""];
        let all = ["r-ab", "ou-ab-work", "ou-ab-prod"].map(id).to_vec();
        assert_eq!(UnitNames::default().unread(paths), (true, all));
        assert_eq!(tree().unread(paths), (false, vec![id("ou-ab-prod")]));
        assert_eq!(tree().unread(["o-x/r-ab/ou-ab-work/"]), (false, vec![]));
        assert_eq!(
            UnitNames::default().unread(["o-x/r-ab/ou-ab-one (One)/"]),
            (true, vec![]),
            "the name is in the path"
        );
    }

    #[test]
    fn a_circle_has_no_path() {
        let mut names = UnitNames::default();
        names.insert(id("ou-ab-one"), Some(id("ou-ab-two")), "One".to_owned());
        names.insert(id("ou-ab-two"), Some(id("ou-ab-one")), "Two".to_owned());
        assert!(names.path(&id("ou-ab-one")).is_some_and(|path| path.len() < 20));
        assert!(resolve(&names, "One").is_err());
    }
}
