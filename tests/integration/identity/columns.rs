//! The three columns of a row, and how they differ.

use std::collections::BTreeMap;

use super::row::{Expected, Row};
use super::seen::{FIELDS, Seen};

/// What the three columns did in a row. The AWS CLI makes one call of IAM, and one of STS.
pub(super) struct Columns {
    pub(super) aws_iam: Seen,
    pub(super) aws_sts: Option<Seen>,
    pub(super) iam: Seen,
    pub(super) rollout: Seen,
}

impl Columns {
    /// How the columns differ from what they have to be, by column: lines for people.
    pub(super) fn differences(&self, row: &Row) -> BTreeMap<&'static str, String> {
        let oracle = [("aws", self.unexpected(&row.expected))];
        let ours = [("iam", &self.iam), ("rollout", &self.rollout)];
        let all = oracle.into_iter().chain(ours.map(|(column, seen)| (column, self.differences_of(column, seen, row))));
        all.filter(|(_, lines)| !lines.is_empty()).collect()
    }

    /// How the AWS CLI itself differs from what the row says.
    fn unexpected(&self, expected: &Expected) -> String {
        let aws = &self.aws_iam;
        let (is_right, what) = match expected {
            Expected::Key(key) => (aws.is_ok() && aws.field("identity") == key, key),
            Expected::Stop(text) => (!aws.is_ok() && aws.stderr.contains(text.as_str()), text),
        };
        if is_right { String::new() } else { format!("  the row says of the AWS CLI: {what}\n{}", self.all_fields()) }
    }

    /// The value of a field of the AWS CLI that a column has to have. The rollout also calls STS. Where the AWS CLI stops, it does not
    /// matter whom a program asks before it stops as well.
    fn expected(&self, column: &str, field: &str) -> Option<String> {
        let aws_sts = self.aws_sts.as_ref().unwrap_or(&self.aws_iam);
        let is_ok = self.aws_iam.is_ok() && (column == "iam" || aws_sts.is_ok());
        if !is_ok && field != "end" && field != "identity" {
            return None;
        }
        let (iam, sts) = (self.aws_iam.field(field), aws_sts.field(field));
        match field {
            "end" => Some(if is_ok { "ok" } else { "stops" }.to_owned()),
            "sts" if column == "iam" => None,
            "sts" => Some(sts.to_owned()),
            "identity" | "proxy" if column == "rollout" && iam != sts => Some(format!("{iam}; {sts}")),
            _ => Some(iam.to_owned()),
        }
    }

    fn differences_of(&self, column: &str, seen: &Seen, row: &Row) -> String {
        let exception = |field: &str| row.exceptions.get(&(column.to_owned(), field.to_owned()));
        let refuses = exception("end").is_some_and(|value| value == "stops");
        let mut lines = String::new();
        for field in FIELDS {
            let as_aws = self.expected(column, field);
            let wanted = match exception(field) {
                Some(value) if as_aws.as_ref() == Some(value) => {
                    lines.push_str(&format!("  {column} {field}: {value} is no exception\n"));
                    continue;
                }
                Some(value) => Some(value.clone()),
                // A program that refuses makes no call.
                None if refuses && field == "identity" => Some("-".to_owned()),
                None if refuses => None,
                None => as_aws,
            };
            let got = seen.field(field);
            // A program may stop earlier than the AWS CLI.
            let is_early = field == "identity" && !seen.is_ok() && got == "-";
            if let Some(wanted) = wanted.filter(|wanted| wanted != got && !is_early) {
                lines.push_str(&format!("  {column} {field}: {got}, and should be {wanted}\n"));
                if field == "end" && !seen.is_ok() {
                    // It did nothing, so the other fields say nothing.
                    break;
                }
            }
        }
        lines
    }

    fn columns(&self) -> Vec<(&'static str, &Seen)> {
        let sts = self.aws_sts.iter().map(|seen| ("aws sts", seen));
        let ours = [("v2token iam", &self.iam), ("rollout", &self.rollout)];
        [("aws iam", &self.aws_iam)].into_iter().chain(sts).chain(ours).collect()
    }

    pub(super) fn last_lines(&self) -> String {
        let mut lines = String::new();
        for (name, seen) in self.columns().iter().filter(|(_, seen)| !seen.last_line.is_empty()) {
            let line: String = seen.last_line.chars().take(240).collect();
            lines.push_str(&format!("  {name} says: {line}\n"));
        }
        lines
    }

    pub(super) fn all_fields(&self) -> String {
        let fields = |seen: &Seen| FIELDS.map(|field| format!("{field}: {}", seen.field(field))).join(" | ");
        self.columns()
            .iter()
            .map(|(name, seen)| format!("  {name:<11} {}\n", fields(seen)))
            .collect::<Vec<_>>()
            .concat()
    }
}
