//! This module owns the law of expressions.

use crate::awscli::jmespath::forms::{self, Look};
use crate::awscli::jmespath::{Query, value::Value};

/// A summary as IAM gives it.
const SUMMARY: &str =
    r#"{"SummaryMap": {"Users": 3, "GlobalEndpointTokenVersion": 2}, "l": [[1, 2], [3], 4, null], "s": "x"}"#;

/// An expression comes to an end, with a result that can be shown or with a reason. What stands after the first line is what it is
/// applied to.
pub fn query(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (expression, document) = text.split_once('\n').unwrap_or((&text, SUMMARY));
    drop(Query::for_later(expression));
    let Ok(query) = Query::compile(expression) else { return };
    let on: Value = serde_json::from_str(document).unwrap_or(Value::Null);
    drop(query.unknown_names(&on));
    if let Ok(found) = query.search(&on) {
        drop((forms::text(&found), forms::table(&found, "GetAccountSummary", Look { color: false, width: 80 })));
        assert!(found.compact_json().len() < 64 << 20, "a result is bounded");
    }
}
