//! The ids of organizational units (OUs) and roots, and their places in an account's path.

use std::str::FromStr;

use super::ParseError;
use crate::serde_text::textual;

/// The id of an organizational unit, `ou-…-…`, or of a root, `r-…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId(String);

impl UnitId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the id of a root.
    pub fn is_root(&self) -> bool {
        self.0.starts_with("r-")
    }

    /// Whether an account with this path is in the OU, at any depth.
    pub fn contains(&self, ou_path: &str) -> bool {
        ids_in(ou_path).any(|id| id == self.0)
    }
}

/// Returns the ids in an account's path, from the top. In the path, a space and the OU's name can follow an id.
pub fn ids_in(ou_path: &str) -> impl Iterator<Item = &str> {
    ou_path.split('/').map(|step| step.split(' ').next().unwrap_or_default()).filter(|id| !id.is_empty())
}

/// Returns the start and the end of each step of a path. A step includes the slash after it. The Organization's id at the
/// beginning of the path is not a step, so the first step is the root. Names can contain slashes, so a slash ends a step only if
/// it is followed by an id, or by the end of the path.
pub fn step_ranges(ou_path: &str) -> Vec<(usize, usize)> {
    let ends = ou_path.match_indices('/').map(|(at, _)| at + 1);
    let ends = ends.filter(|end| {
        ou_path[*end..].is_empty() || ou_path[*end..].starts_with("ou-") || ou_path[*end..].starts_with("r-")
    });
    let mut start = 0;
    let mut steps: Vec<(usize, usize)> = ends.map(|end| (std::mem::replace(&mut start, end), end)).collect();
    if steps.len() > 1 && ou_path.starts_with("o-") {
        steps.remove(0);
    }
    if steps.is_empty() { vec![(0, ou_path.len())] } else { steps }
}

/// Returns the ids of the root and the OUs in an account's path, from the top, each with the name that follows it in brackets, if
/// there is one.
pub(crate) fn steps_in(ou_path: &str) -> Vec<(&str, Option<&str>)> {
    let steps = step_ranges(ou_path).into_iter().map(|(start, end)| ou_path[start..end].trim_end_matches('/'));
    let steps = steps.filter(|step| !step.is_empty());
    steps
        .map(|step| match step.split_once(" (") {
            Some((id, name)) => (id, Some(name.strip_suffix(')').unwrap_or(name))),
            None => (step, None),
        })
        .collect()
}

textual!(UnitId, "{}", 0);

impl FromStr for UnitId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_id(text) {
            return Ok(Self(text.to_owned()));
        }
        let last = text.trim_end_matches('/').rsplit('/').next().map(str::to_ascii_lowercase).unwrap_or_default();
        Err(ParseError::new(match last {
            // The text is a path or an ARN that ends with an id, or an id in upper case.
            id if is_id(&id) => format!("expected only the id: did you mean {id}?"),
            _ if text.starts_with("o-") => {
                "this is the id of an Organization: leave it out, or name its root, r-…".to_owned()
            }
            _ if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                "this is the id of an account: give it with --account".to_owned()
            }
            _ => "expected the id of an OU (ou-…-…) or of a root (r-…), or the names from the root down to it, such as Root/Workloads/Prod"
                .to_owned(),
        }))
    }
}

/// Whether the text has the form of an id: `r-…` has one group of lower-case letters and digits, and `ou-…-…` has two groups
/// (Organizations API reference, `Root` and `OrganizationalUnit`). Organizations checks the exact lengths.
fn is_id(text: &str) -> bool {
    let group = |part: &str| {
        (1..=32).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    match text.split('-').collect::<Vec<_>>()[..] {
        ["r", root] => group(root),
        ["ou", root, unit] => group(root) && group(unit),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_ous_and_roots_are_accepted() {
        for id in ["r-ab12", "ou-ab12-cdefgh34"] {
            assert_eq!(id.parse::<UnitId>().unwrap().to_string(), id);
        }
        let (organization, account) = ("this is the id of an Organization", "this is the id of an account");
        let (meant, malformed) = ("expected only the id: did you mean ou-ab12-cdefgh34?", "expected the id of an OU");
        for (text, refused) in [
            ("o-abc/r-ab12/ou-ab12-cdefgh34/", meant),
            ("arn:aws:organizations::000000000100:ou/o-abc/ou-ab12-cdefgh34", meant),
            ("OU-AB12-CDEFGH34", meant),
            ("o-abcdefghij", organization),
            ("000000000012", account),
            ("Production", malformed),
            ("ou-ab12", malformed),
            ("r-", malformed),
            ("", malformed),
        ] {
            let message = text.parse::<UnitId>().unwrap_err().to_string();
            assert!(message.starts_with(refused), "{text}: {message}");
        }
    }

    #[test]
    fn a_unit_contains_everything_below_it() {
        let path = "o-a/r-ab/ou-ab-one (Prod / EU)/ou-ab-two/";
        for (id, is_inside) in [("r-ab", true), ("ou-ab-one", true), ("ou-ab-two", true), ("ou-ab-tw", false)] {
            assert_eq!(id.parse::<UnitId>().unwrap().contains(path), is_inside, "{id}");
        }
    }
}
