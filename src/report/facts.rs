//! This module owns the facts of a run that stand above its results: what it was, who ran it, and on what terms.

use super::Report;
use super::words::{counted, moment, took};
use crate::journal::CommandName;
use crate::rollout::Mode;

/// A fact: its name, and what it is. The second is partly from outside and not made harmless yet.
pub(super) type Fact = (&'static str, String);

/// The facts of a run, as far as they are known.
pub(super) fn facts(report: &Report<'_>) -> Vec<Fact> {
    let (run, settings) = (report.run, &report.run.settings);
    let mut facts = vec![("Run", run.run_id.to_string())];
    let mut add = |name, fact: Option<String>| facts.extend(fact.map(|fact| (name, fact)));
    add("Organization", run.organization_id.clone());
    add("Caller", run.caller_arn.clone());
    add(
        "Wanted",
        Some(match run.command {
            CommandName::Plan | CommandName::Apply => settings.global_endpoint_token_version.to_string(),
            CommandName::Rollback => "what each account was on before the run that is undone".to_owned(),
        }),
    );
    add("Role", Some(settings.role.to_string()));
    add("STS endpoint", run.sts_endpoint.clone());
    let rate = match settings.rate {
        0 => "as many a second as come".to_owned(),
        rate => format!("{rate} started a second at most"),
    };
    add("Pace", Some(format!("{} at once, {rate}", counted(settings.concurrency.into(), "visit", "visits"))));
    if settings.mode == Mode::Apply {
        add("Waves", settings.waves.as_ref().map(ToString::to_string));
        add("Bake", (!settings.bake.is_zero()).then(|| took(settings.bake)));
        add("Verify", Some(settings.verify.to_string()));
    }
    add("Max errors", settings.max_errors.map(|tolerance| tolerance.to_string()));
    add("Started", run.started_at.map(moment));
    let lasted = run.started_at.zip(run.ended_at).and_then(|(start, end)| end.duration_since(start).ok());
    add("Took", lasted.map(took));
    add("Exit code", report.ended.map(|code| code.to_string()));
    add("Program", Some(format!("v2token {}", run.version)));
    facts
}
