//! The properties of JMESPath expressions.

use serde_json::Value;

use crate::awscli::output::{TableStyle, table, text};
use crate::jmespath::{LARGEST_IN_TESTS, Query};

/// The default document: a summary as IAM returns it, a list and a text.
const SUMMARY: &str =
    r#"{"SummaryMap": {"Users": 3, "GlobalEndpointTokenVersion": 2}, "l": [[1, 2], [3], 4, null], "s": "x"}"#;

/// The evaluation of an expression ends with a result that can be printed, or with an error. The first line is the expression,
/// and the following lines are the document that it is applied to.
pub fn query(bytes: &[u8]) {
    let input = String::from_utf8_lossy(bytes);
    let (expression, document) = input.split_once('\n').unwrap_or((&input, SUMMARY));
    drop(Query::compile_strictly(expression));
    let Ok(query) = Query::compile(expression) else { return };
    let on: Value = serde_json::from_str(document).unwrap_or(Value::Null);
    drop(query.unknown_names(&on));
    if let Ok(found) = query.search_within(&on, LARGEST_IN_TESTS) {
        drop((text(&found), table(&found, "GetAccountSummary", TableStyle { color: false, width: 80 })));
        assert!(found.to_string().len() < 64 << 20, "a result is bounded");
    }
}
