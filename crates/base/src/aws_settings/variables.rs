//! The variables of the environment, as a value that tests can choose, and the expansion of paths as in Python.

use std::collections::{BTreeMap, BTreeSet};

/// The variables of an environment. They may hold keys, so this type does not implement `Debug`.
#[derive(Clone, Default)]
pub struct Variables {
    values: BTreeMap<String, String>,
    /// The names of the variables whose values are not UTF-8.
    not_text: BTreeSet<String>,
    /// The home folder of the user in the system's list of users, which counts if `HOME` is not set.
    home: Option<String>,
}

impl Variables {
    /// Reads the environment of this process. If a name occurs twice, the first value counts, as in Python.
    pub fn of_process() -> Self {
        let mut variables = Self::default();
        for (name, value) in std::env::vars_os() {
            let (Ok(name), value) = (name.into_string(), value.into_string()) else { continue };
            match value {
                Ok(value) => drop(variables.values.entry(name).or_insert(value)),
                Err(_) => drop(variables.not_text.insert(name)),
            }
        }
        if variables.get("HOME").is_none() {
            variables.home = std::env::home_dir().and_then(|home| home.into_os_string().into_string().ok());
        }
        variables
    }

    /// Checks that the variables on which the identity depends are text. A path that is not text can't be read as another text.
    ///
    /// # Errors
    ///
    /// Returns the name of a variable that is not UTF-8.
    pub(super) fn check_text(&self) -> Result<(), &str> {
        let counts = |name: &&String| {
            name.starts_with("AWS_") || ["HOME", "BOTO_CONFIG", "REQUESTS_CA_BUNDLE"].contains(&name.as_str())
        };
        self.not_text.iter().find(counts).map_or(Ok(()), |name| Err(name))
    }

    /// Returns the value of a variable, which may be empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Returns the value of a variable that is set and not empty.
    pub(crate) fn get_non_empty(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// Replaces variables, and the `~` at the beginning, in a path (Python's `os.path.expandvars` and `expanduser`). The name of
    /// a variable that is not set stays in the path.
    pub(crate) fn expand(&self, path: &str) -> String {
        self.expand_home(&self.expand_variables(path))
    }

    /// Replaces the `~` or `~user` at the beginning of a path. Without `HOME` and for another user, the system's list of users counts.
    pub fn expand_home(&self, path: &str) -> String {
        let Some(after) = path.strip_prefix('~') else { return path.to_owned() };
        let (user, rest) = after.split_at(after.find('/').unwrap_or(after.len()));
        let home = match user {
            "" => self.get("HOME").or(self.home.as_deref()).map(str::to_owned),
            user => home_of(user),
        };
        let Some(home) = home else { return path.to_owned() };
        let home = home.trim_end_matches('/');
        if home.is_empty() && rest.is_empty() { "/".to_owned() } else { format!("{home}{rest}") }
    }

    /// Replaces the variables in a path.
    pub fn expand_variables(&self, path: &str) -> String {
        let mut expanded = String::new();
        let mut rest = path;
        while let Some((before, after)) = rest.split_once('$') {
            expanded.push_str(before);
            let is_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
            let (name, end) = match after.strip_prefix('{').and_then(|inside| inside.split_once('}')) {
                Some((name, end)) => (name, end),
                None => after.split_at(after.find(|character| !is_name(character)).unwrap_or(after.len())),
            };
            if let Some(value) = self.get(name) {
                expanded.push_str(value);
                rest = end;
            } else {
                expanded.push('$');
                rest = after;
            }
        }
        expanded + rest
    }
}

/// Returns the home folder of a user of this machine.
fn home_of(user: &str) -> Option<String> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let of_user = users.lines().find(|line| line.split(':').next() == Some(user))?;
    of_user.split(':').nth(5).map(str::to_owned)
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let values = pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { values, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_expanded_as_by_python() {
        let variables: Variables = [("HOME", "/home/me"), ("D", "x y"), ("EMPTY", "")].into_iter().collect();
        for (path, expanded) in [
            ("~/a", "/home/me/a"),
            ("~", "/home/me"),
            ("~no-such-user/a", "~no-such-user/a"),
            ("~root/a", "/root/a"),
            ("a~/b", "a~/b"),
            ("$HOME/x${HOME}y", "/home/me/x/home/mey"),
            ("$D/${D}", "x y/x y"),
            ("$EMPTY/a", "/a"),
            ("$NOT_SET/${NOT_SET}/$", "$NOT_SET/${NOT_SET}/$"),
            ("${open", "${open"),
        ] {
            assert_eq!(variables.expand(path), expanded, "{path}");
        }
        let homeless = Variables::default();
        assert_eq!(homeless.expand("~/a"), "~/a");
        let root: Variables = [("HOME", "/")].into_iter().collect();
        assert_eq!([root.expand("~"), root.expand("~/a")], ["/", "/a"]);
    }
}
