//! Paging: reads `MaxResults` and `NextToken`, and writes opaque tokens.

use crate::answer::ApiError;
use crate::request::Params;
use crate::secrets::mix;

/// The maximum number of entries on a page of an Organizations list.
const MAX_RESULTS: i64 = 20;

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub offset: usize,
    /// The first page is 1.
    pub number: u32,
    pub size: usize,
}

impl Page {
    /// Returns the entries of this page, and the next page or `None` if this page is the last.
    pub fn of<'a, T>(&self, all: &'a [T]) -> (&'a [T], Option<Self>) {
        let start = self.offset.min(all.len());
        let end = (start + self.size).min(all.len());
        let next = (end < all.len()).then_some(Self { offset: end, number: self.number + 1, size: self.size });
        (&all[start..end], next)
    }
}

/// Returns the page that a request asks for.
pub(crate) fn requested(params: &Params, seed: u64) -> Result<Page, ApiError> {
    let size = match params.number("MaxResults") {
        None => MAX_RESULTS,
        Some(Ok(size)) if (1..=MAX_RESULTS).contains(&size) => size,
        Some(Ok(size)) if size < 1 => {
            return Err(invalid("You provided a value that is below the minimum.", "MIN_VALUE_EXCEEDED"));
        }
        Some(_) => return Err(invalid("You provided a value that is above the maximum.", "MAX_VALUE_EXCEEDED")),
    };
    let size = usize::try_from(size).expect("a page size is between 1 and 20");
    let Some(token) = params.text("NextToken") else { return Ok(Page { offset: 0, number: 1, size }) };
    let (offset, number) = read(token, seed)
        .ok_or_else(|| invalid("You specified an invalid value for NextToken.", "INVALID_NEXT_TOKEN"))?;
    Ok(Page { offset, number, size })
}

/// Returns the token for a page.
pub(crate) fn token(page: Page, seed: u64) -> String {
    let plain = (page.offset as u64) << 32 | u64::from(page.number);
    format!("AYABe{:016x}{:016x}", plain ^ mix(seed), mix(plain ^ seed))
}

fn read(token: &str, seed: u64) -> Option<(usize, u32)> {
    let digits = token.strip_prefix("AYABe").filter(|digits| digits.len() == 32 && digits.is_ascii())?;
    let plain = u64::from_str_radix(&digits[..16], 16).ok()? ^ mix(seed);
    let check = u64::from_str_radix(&digits[16..], 16).ok()?;
    (check == mix(plain ^ seed)).then_some((usize::try_from(plain >> 32).ok()?, (plain & 0xffff_ffff) as u32))
}

fn invalid(message: &'static str, reason: &'static str) -> ApiError {
    ApiError { reason: Some(reason), ..ApiError::new(400, "InvalidInputException", message) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pages_cover_a_list_once() {
        let all: Vec<u32> = (0..45).collect();
        let mut seen = Vec::new();
        let mut params = json!({});
        loop {
            let page = requested(&Params::Json(params), 7).unwrap();
            let (part, next) = page.of(&all);
            seen.extend_from_slice(part);
            let Some(next) = next else { break };
            params = json!({ "NextToken": token(next, 7) });
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn bad_pages_are_refused() {
        for (params, reason) in [
            (json!({ "MaxResults": 21 }), "MAX_VALUE_EXCEEDED"),
            (json!({ "MaxResults": 0 }), "MIN_VALUE_EXCEEDED"),
            (json!({ "NextToken": "x" }), "INVALID_NEXT_TOKEN"),
            (json!({ "NextToken": token(Page { offset: 20, number: 2, size: 20 }, 8) }), "INVALID_NEXT_TOKEN"),
        ] {
            assert_eq!(requested(&Params::Json(params), 7).unwrap_err().reason, Some(reason));
        }
    }
}
