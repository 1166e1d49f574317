//! Limits of programs that store session tokens, from public reports.

/// The limits, in characters, smallest first. `docs/longer-tokens.md` has the source of each.
pub(crate) const LIMITS: [u32; 5] = [255, 512, 1024, 2048, 4096];

/// Returns the limits that a token within them today crosses when it grows.
pub fn crossed(now: Option<u32>, expected: Option<u32>) -> Vec<u32> {
    let (Some(now), Some(expected)) = (now, expected) else { return Vec::new() };
    LIMITS.into_iter().filter(|limit| now <= *limit && *limit < expected).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_limits_between_the_sizes_are_crossed() {
        for (now, expected, limits) in [
            (Some(352), Some(752), &[512][..]),
            (Some(200), Some(1100), &[255, 512, 1024]),
            (Some(512), Some(513), &[512]),
            (Some(513), Some(1024), &[]),
            (Some(752), Some(752), &[]),
            (None, Some(752), &[]),
            (Some(352), None, &[]),
        ] {
            assert_eq!(crossed(now, expected), limits, "{now:?} {expected:?}");
        }
    }
}
