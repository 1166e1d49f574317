//! Suggestions for mistyped names: "did you mean …?".

/// Returns `; did you mean …?` with the known name nearest to `typed`, or an empty text if no known name is near.
///
/// A near name differs by at most three edits, and by at most half the length of `typed`. Without the second limit, every short
/// name would be near some other name.
pub fn did_you_mean<T: AsRef<str> + Ord>(typed: &str, known: impl IntoIterator<Item = T>) -> String {
    let limit = 3.min(typed.chars().count() / 2);
    nearest(typed, known, limit).map_or_else(String::new, |known| format!("; did you mean {}?", known.as_ref()))
}

/// Returns the known name nearest to `typed`, or `None` if every known name is more than `limit` edits away.
pub fn nearest<T: AsRef<str> + Ord>(typed: &str, known: impl IntoIterator<Item = T>, limit: usize) -> Option<T> {
    nearest_by_key(typed, known, AsRef::as_ref, limit)
}

/// Returns the item whose name is nearest to `typed`, or `None` if every name is more than `limit` edits away. If several items
/// are equally near, it returns the smallest of them.
///
/// An edit inserts, deletes or replaces a character, or swaps two neighbours (optimal string alignment).
pub fn nearest_by_key<T: Ord>(
    typed: &str,
    known: impl IntoIterator<Item = T>,
    name: impl Fn(&T) -> &str,
    limit: usize,
) -> Option<T> {
    let with_distance = known.into_iter().map(|known| (strsim::osa_distance(typed, name(&known)), known));
    with_distance.min().filter(|(distance, _)| *distance <= limit).map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_near_name_is_suggested() {
        for (typed, suggestion) in [
            ("us-eats-1", "; did you mean us-east-1?"),
            ("us-aest-11", "; did you mean us-east-1?"),
            ("us", ""),
            ("", ""),
        ] {
            assert_eq!(did_you_mean(typed, ["us-east-1", "us-west-2"]), suggestion, "{typed}");
        }
        assert_eq!(nearest("ab", ["ax", "bb"], 1), Some("ax"));
        assert_eq!(nearest("ab", ["xy"], 1), None);
    }
}
