//! A run can be stopped at any moment: SIGINT or SIGTERM comes at fifty different moments of an apply, and no visit in flight is lost.

use std::collections::BTreeSet;
use std::time::Duration;

use v2token_simulator::{Latency, Organization, TokenVersion, VersionMix};

use crate::harness::{Bench, Run, accounts_with, sent_to};
use crate::running::Running;

const ACCOUNTS: usize = 30;
/// The moments: from the first request, because before it the program may not handle signals yet, to about the last.
const MOMENTS: std::ops::Range<u64> = 0..25;

#[test]
fn interrupted_at_any_moment() {
    stopped_at(MOMENTS.map(|moment| 1 + moment * 4), "INT", 130);
}

#[test]
fn terminated_at_any_moment() {
    stopped_at(MOMENTS.map(|moment| 3 + moment * 4), "TERM", 143);
}

/// Stops an apply after this many requests to the simulated organization, and resumes it.
fn stopped_at(moments: impl Iterator<Item = u64>, signal: &str, code: i32) {
    let mut stopped = 0;
    for moment in moments {
        let builder = Organization::builder().accounts(ACCOUNTS).unlimited().seed(moment);
        let builder = builder.version_mix(VersionMix::percent_v2(25)).latency(Latency::all(Duration::from_millis(4)));
        let bench = Bench::new(builder.start());
        let apply = ["apply", "--yes", "--concurrency=6", "--rate=0", "--waves=2,50%,100%"];
        let mut running = Running::start(&bench, "run", &apply);
        running.until_requests_or_end(moment).send(signal);
        let run = running.end();
        let before = run.before.clone();

        let resumed = if run.stderr.contains("left at once") {
            // The signal came after the last visit: the process ends immediately, and `resume` makes the reports.
            run.exits(code);
            bench.again("run", &["resume", "run", "--yes"])
        } else if run.folder.exists() {
            let run = run.agrees(TokenVersion::V2);
            let outcomes = run.outcomes();
            let is_over = !outcomes.contains_key("not_attempted");
            assert_eq!(run.code, if is_over { 0 } else { code }, "moment {moment}\n{run}");
            assert!(!outcomes.contains_key("failed"), "moment {moment}: {outcomes:?}\n{run}");
            let lost: Vec<_> =
                sent_to(&run.after).difference(&accounts_with(&run.rows(), "changed")).cloned().collect();
            assert!(lost.is_empty(), "moment {moment}: {lost:?} were set but not reported\n{run}");
            stopped += usize::from(!is_over);
            let ids = run_ids(&run);
            let resumed = bench.again("run", &["resume", "run", "--yes"]);
            assert_eq!(run_ids(&resumed), ids, "moment {moment}: it is still the same run");
            resumed
        } else {
            // It was stopped before the run began: there is nothing to resume, and it can be started again.
            run.exits(code).attempted_nothing(&format!("SIG{signal}"));
            bench.run("run", &apply)
        };

        let resumed = resumed.since(before).exits(0).agrees(TokenVersion::V2);
        assert_eq!(resumed.after.with_version(TokenVersion::V2), ACCOUNTS, "moment {moment}");
        assert_eq!(accounts_with(&resumed.rows(), "changed"), sent_to(&resumed.after), "moment {moment}\n{resumed}");
    }
    assert!(stopped > 10, "only {stopped} runs were stopped in the middle");
}

/// The run ids in the report.
fn run_ids(run: &Run) -> BTreeSet<String> {
    run.rows().into_values().map(|row| row["run_id"].clone()).collect()
}
