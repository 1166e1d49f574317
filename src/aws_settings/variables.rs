//! The variables of the environment, as a value that tests can choose, and the expansion of paths as in Python.

use std::collections::BTreeMap;

/// The variables of an environment. They may hold keys, so this type does not implement `Debug`.
#[derive(Clone, Default)]
pub(crate) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Reads the environment of this process. Bytes that are not UTF-8 are replaced.
    pub(crate) fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Self(std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect())
    }

    /// Returns the value of a variable, which may be empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
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

    /// Replaces the `~` at the beginning of a path.
    pub(crate) fn expand_home(&self, path: &str) -> String {
        match (path.strip_prefix('~'), self.get("HOME")) {
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => {
                let home = home.trim_end_matches('/');
                if home.is_empty() && rest.is_empty() { "/".to_owned() } else { format!("{home}{rest}") }
            }
            _ => path.to_owned(),
        }
    }

    /// Replaces the variables in a path.
    pub(crate) fn expand_variables(&self, path: &str) -> String {
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

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
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
            ("~other/a", "~other/a"),
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
