//! Plan and apply end to end, over a realistic organization.

use v2token_simulator::{Operation, Organization, TokenVersion};

use crate::harness::Bench;

#[test]
fn a_plan_changes_nothing_and_an_apply_changes_what_was_planned() {
    let bench = Bench::new(Organization::builder().accounts(120).realistic(true).strict_signing_regions(true).start());
    let plan = bench.run("plan", &["plan"]).exits(3).agrees(TokenVersion::V2);
    assert_eq!(plan.calls(Operation::SetSecurityTokenServicePreferences), 0);

    let apply = bench.run("apply", &["apply", "--yes", "--max-errors", "100%"]).exits(3).agrees(TokenVersion::V2);
    let (planned, applied) = (plan.rows(), apply.rows());
    for (id, row) in &planned {
        if applied[id]["outcome"] == "changed" {
            assert_eq!(row["outcome"], "would_change", "{id}");
        }
    }

    let again = bench.run("again", &["apply", "--yes", "--max-errors", "100%"]).exits(3).agrees(TokenVersion::V2);
    assert!(!again.outcomes().contains_key("changed"), "{again}");
}
