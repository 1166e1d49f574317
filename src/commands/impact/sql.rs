//! `impact sql`: prints a query for Athena whose result is an input of `impact`.

use std::io::{self, Write as _};
use std::time::SystemTime;

use crate::cli::ImpactSqlArgs;
use crate::error::Error;
use crate::event_files::export::{COVERAGE_NAME, COVERAGE_SOURCE};
use crate::run::stdout;
use crate::timestamp::rfc3339;

/// The query, with places for the table, the time, and the name and source of the rows that tell the coverage.
const QUERY: &str = include_str!("query.sql");

/// Prints the query.
pub(super) fn print(args: &ImpactSqlArgs, now: SystemTime) -> Result<u8, Error> {
    let is_name = |part: &str| {
        !part.is_empty()
            && part.chars().all(|character| character.is_ascii_alphanumeric() || character == '_' || character == '-')
    };
    if !args.table.split('.').all(|part| is_name(part.trim_matches('"'))) {
        return Err(Error::Usage(format!(
            "--table {}: expected a name such as cloudtrail_logs or logs.cloudtrail",
            args.table
        )));
    }
    let since = args.since.resolve(now).map_err(|_| Error::Usage("--since: this is not in the past".to_owned()))?;
    let since: String = rfc3339(since).chars().take(19).chain(['Z']).collect();
    let query = QUERY
        .replace("{table}", &args.table)
        .replace("{since}", &since)
        .replace("{source}", COVERAGE_SOURCE)
        .replace("{name}", COVERAGE_NAME);
    let mut to = io::stdout().lock();
    to.write_all(query.as_bytes()).and_then(|()| to.flush()).map_err(stdout::unwritable("the query"))?;
    Ok(0)
}
