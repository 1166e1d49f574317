//! Limits of programs that store session tokens, from public reports.

/// The limits, in characters, smallest first. `docs/longer-tokens.md` has the source of each.
pub(crate) const LIMITS: [u32; 5] = [255, 512, 1024, 2048, 4096];

/// Returns the limits that a token within them today crosses when it grows.
pub(crate) fn crossed(now: Option<u32>, expected: Option<u32>) -> Vec<u32> {
    let (Some(now), Some(expected)) = (now, expected) else { return Vec::new() };
    LIMITS.into_iter().filter(|limit| now <= *limit && *limit < expected).collect()
}
