//! The overview of a run before it starts: where it comes from, the caller, the change, the accounts, the waves, the expected
//! duration, and how to undo the run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Map, Value};

use super::execute::{REVIEW_TIME, is_supervised};
use super::prepare::{Prepared, Resumed, has_left};
use crate::cloud::AccessMethod;
use crate::cloud::aws::Aws;
use crate::journal::{CommandName, PolicyChoice};
use crate::org::TokenVersion;
use crate::rollout::{Outcome, Record, Tally, Target, Tolerance, Verify, Wave};
use crate::sanitize::{for_shell, for_terminal};
use crate::settings::Settings;
use crate::terminal::Workload;
use crate::terminal::forecast::{Forecast, brief, usual_visit};
use crate::terminal::layout::{table, wrap};
use crate::terminal::style::Paint;
use crate::timestamp::rfc3339;

/// How many waves are listed one by one.
const WAVES: usize = 8;

/// How many accounts of the first wave are named.
const NAMED: usize = 5;

/// The seconds of a day.
const DAY: u64 = 24 * 60 * 60;

/// The overview of a run that is about to start.
pub(super) struct Overview<'a> {
    pub settings: &'a Settings,
    /// When the run started. A run that is resumed started before this process.
    pub started: Option<SystemTime>,
    /// The run folder.
    pub folder: &'a Path,
    pub aws: &'a Aws,
    pub prepared: &'a Prepared,
}

/// Returns what the progress display shows before the first visit.
pub(crate) fn outline(settings: &Settings, prepared: &Prepared) -> Workload {
    Workload {
        organization: prepared.organization.id.clone(),
        listed: prepared.listed,
        waves: prepared.waves.iter().map(|wave| wave.targets.len()).collect(),
        between: if is_supervised(settings) { REVIEW_TIME } else { settings.run.bake },
        concurrency: usize::from(settings.run.concurrency),
    }
}

impl Overview<'_> {
    pub(super) fn targets(&self) -> usize {
        self.prepared.waves.iter().map(|wave| wave.targets.len()).sum()
    }

    /// Returns the overview for a terminal of this width. Without a width, lines are not wrapped.
    pub(super) fn in_lines(&self, width: Option<usize>, color: bool) -> String {
        let width = width.unwrap_or(usize::MAX);
        let title = wrap(&for_terminal(&self.title()), width, 0).into_iter();
        let title = title.map(|line| Paint::Bold.on(&line, color));
        let rows: Vec<_> =
            self.rows().into_iter().map(|(name, value)| (name, for_terminal(&value).into_owned())).collect();
        title.chain(table(&rows, width)).collect::<Vec<_>>().join("\n")
    }

    /// Returns the overview in one line, for a log.
    pub(super) fn in_a_line(&self) -> String {
        let rows = self.rows();
        let rows = rows.iter().fold(String::new(), |mut text, (name, value)| {
            let _ = write!(text, "; {name}: {value}");
            text
        });
        format!("{}{rows}", self.title())
    }

    /// Returns the overview as JSON fields, for `--log-format json`.
    pub(super) fn fields(&self) -> Value {
        let rows = self.rows().into_iter().map(|(name, value)| (name.replace(' ', "_"), Value::String(value)));
        Value::Object(rows.collect::<Map<_, _>>())
    }

    fn title(&self) -> String {
        let (run, targets) = (&self.settings.run, self.targets());
        let of = format!("{targets} account{}", if targets == 1 { "" } else { "s" });
        let what = match (self.settings.command, &run.undoes) {
            (CommandName::Rollback, Some(undone)) => {
                format!("put back what {} changed in {of}: {}", undone.display(), self.versions())
            }
            _ => format!("set GlobalEndpointTokenVersion to {} in {of}", run.global_endpoint_token_version),
        };
        if self.prepared.resumed.is_some() { format!("go on: {what}") } else { what }
    }

    /// The versions that a rollback sets. They differ between accounts, because it puts back what the undone run found.
    fn versions(&self) -> String {
        let targets = || self.prepared.waves.iter().flat_map(|wave| &wave.targets);
        let to =
            TokenVersion::ALL.map(|version| (version, targets().filter(|target| target.wanted == version).count()));
        match to.into_iter().filter(|(_, count)| *count > 0).collect::<Vec<_>>()[..] {
            [(version, _)] => format!("to {version}"),
            ref several => several.iter().map(|(to, count)| format!("{count} to {to}")).collect::<Vec<_>>().join(", "),
        }
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let Self { settings, aws, prepared, .. } = self;
        let run = &settings.run;
        let mut rows = self.origin();
        rows.extend(run.reason.clone().map(|reason| ("reason", reason)));
        rows.extend([
            ("organization", prepared.organization.id.clone()),
            ("management", self.management()),
            ("caller", format!("{}, from {}", aws.caller.arn, aws.credential_source)),
        ]);
        if aws.hub != aws.caller {
            rows.push(("through", aws.hub.arn.clone()));
        }
        rows.extend([("endpoint", format!("{} in {}", aws.sts_endpoint, aws.region)), ("role", self.role())]);
        rows.extend(self.accounts());
        if let Some(impact) = &run.impact {
            let ago = impact.ended_at.map_or_else(String::new, |at| format!("{}: ", self.ago(at)));
            let targets = prepared.waves.iter().flat_map(|wave| &wave.targets).map(|target| target.account);
            rows.push(("impact", format!("{ago}{}; unaffected accounts first", impact.summary(targets))));
        }
        rows.extend([("waves", self.sizes()), ("first wave", self.first_wave())]);
        if prepared.waves.len() > 1 {
            rows.push(("between", self.between()));
        }
        rows.push(("pace", self.pace()));
        rows.push(("verify", self.verification()));
        rows.push((
            "max errors",
            match run.max_errors {
                None => "no limit".to_owned(),
                Some(Tolerance::Percent(100)) => "the run never stops because of failures".to_owned(),
                Some(Tolerance::Count(count)) => format!("stops when more than {count} fail"),
                Some(percent @ Tolerance::Percent(_)) => {
                    format!("stops when more than {percent} fail, of all or of a wave")
                }
            },
        ));
        let sets_v2 = |wave: &Wave| wave.targets.iter().any(|target| target.wanted == TokenVersion::V2Token);
        if aws.caller.partition.has_global_sts() && prepared.waves.iter().any(sets_v2) {
            rows.push(("tokens", "those of the global endpoint get longer: docs/longer-tokens.md".to_owned()));
        }
        rows.push(("undo", format!("v2token rollback {}", for_shell(self.folder))));
        rows
    }

    /// How a change is verified.
    fn verification(&self) -> String {
        let partition = &self.aws.caller.partition;
        match &self.settings.run.verify {
            Verify::None => "none: every account that is set ends as unverified".to_owned(),
            Verify::Setting => "each setting is read back".to_owned(),
            Verify::TokenSize if !partition.has_global_sts() => format!(
                "each setting is read back, and no more: partition {partition} has no global endpoint whose tokens could prove it"
            ),
            Verify::TokenSize => {
                "each setting is read back, and proven by the size of a token of the global endpoint".to_owned()
            }
            Verify::TokenIn(region) => format!("each setting is read back, and proven with a token in {region}"),
        }
    }

    /// What happens between two waves.
    fn between(&self) -> String {
        let run = &self.settings.run;
        let duration = |duration| humantime::format_duration(duration);
        let mut parts = Vec::new();
        if !run.bake.is_zero() {
            parts.push(format!("wait {}, unless the wave set nothing", duration(run.bake)));
        } else if is_supervised(self.settings) {
            parts.push(format!("{} to review the wave", duration(REVIEW_TIME)));
        }
        if run.gate.is_some() {
            let then = if parts.is_empty() { "" } else { "then " };
            parts.push(format!("{then}the gate, for at most {}", duration(run.gate_timeout)));
        }
        if parts.is_empty() { "the next wave starts at once".to_owned() } else { parts.join("; ") }
    }

    /// Where the run comes from: the run that is resumed and what stopped it, and the plan that is applied or the run that is undone.
    fn origin(&self) -> Vec<(&'static str, String)> {
        let Self { settings, started, prepared, .. } = self;
        let mut rows = Vec::new();
        if let Some(resumed) = &prepared.resumed {
            let ago = started.map_or_else(String::new, |at| format!(", started {}", self.ago(at)));
            rows.push(("run", format!("{} {}{ago}", settings.command, settings.run_id)));
            let verdict =
                resumed.verdict.as_deref().unwrap_or("no verdict: its process was killed, or the machine went down");
            rows.push(("its end", verdict.to_owned()));
        }
        let earlier = [("plan", &settings.run.plan, "made"), ("undoes", &settings.run.undoes, "ended")];
        for (name, folder, verb) in earlier {
            let Some(folder) = folder else { continue };
            let described = prepared.earlier.as_ref().map_or_else(String::new, |info| {
                let at = info.ended_at.or(info.started_at);
                let ago = at.map_or_else(String::new, |at| format!(", {verb} {}", self.ago(at)));
                format!(": {} {}{ago}", info.command, info.run_id)
            });
            rows.push((name, format!("{}{described}", folder.display())));
        }
        rows
    }

    /// How long ago a time was. It is in the future if another machine's clock is ahead.
    fn ago(&self, time: SystemTime) -> String {
        match self.settings.now.duration_since(time).map(|age| (age.as_secs() / DAY, age)) {
            Ok((0 | 1, age)) => format!("{} ago", brief(age)),
            Ok((days, _)) => format!("{days} days ago"),
            Err(_) => format!("at {}", rfc3339(time)),
        }
    }

    /// How many accounts are visited, and what has become of the others.
    fn accounts(&self) -> Vec<(&'static str, String)> {
        let Prepared { listed, records, resumed, .. } = self.prepared;
        let targets = self.targets();
        let mut accounts = match resumed {
            None => format!("{targets} of {listed} selected"),
            Some(Resumed { selected, .. }) => format!("{targets} left of {selected} selected, {listed} listed"),
        };
        let since = if self.settings.run.plan.is_some() { "the plan" } else { "the run that is undone" };
        match records.values().filter(|record| has_left(record)).count() {
            0 => {}
            1 => accounts.push_str(&format!("; 1 has left since {since}")),
            left => accounts.push_str(&format!("; {left} have left since {since}")),
        }
        let mut rows = vec![("accounts", accounts)];
        let done: Tally = records.values().map(|record| record.outcome).collect();
        let counts = done.iter().filter(|(outcome, count)| *count > 0 && *outcome != Outcome::Skipped);
        let counts: Vec<_> = counts.map(|(outcome, count)| format!("{count} {outcome}")).collect();
        if !counts.is_empty() {
            rows.push(("done", counts.join(", ")));
        }
        if done.of(Outcome::Skipped) > 0 {
            rows.push(("skipped", self.reasons()));
        }
        rows
    }

    /// The first accounts that are visited, by id and name.
    fn first_wave(&self) -> String {
        let Prepared { accounts, waves, .. } = self.prepared;
        let targets = waves.first().map_or(&[][..], |wave| &wave.targets);
        let named = targets.iter().take(NAMED).map(|Target { account: id, .. }| {
            let index = accounts.binary_search_by_key(id, |account| account.id);
            match index.map_or("", |index| &accounts[index].name) {
                "" => id.to_string(),
                name => format!("{id} ({name})"),
            }
        });
        let named = named.collect::<Vec<_>>().join(", ");
        let more = targets.len().saturating_sub(NAMED);
        if more > 0 { format!("{named}, and {more} more") } else { named }
    }

    fn management(&self) -> String {
        let id = self.prepared.organization.management;
        let target = self.prepared.waves.iter().flat_map(|wave| &wave.targets).find(|target| target.management);
        let how = match (target.map(|target| &target.access), self.prepared.records.get(&id)) {
            (Some(AccessMethod::Own), _) => "visited last, with the caller's own credentials".to_owned(),
            (Some(AccessMethod::Role(_) | AccessMethod::Root(_)), _) => "visited last, through its role".to_owned(),
            (None, Some(record)) if record.outcome == Outcome::Skipped => format!("skipped: {}", reason(record)),
            (None, Some(record)) => format!("{} before", record.outcome),
            (None, None) => "not visited".to_owned(),
        };
        format!("{id}, {how}")
    }

    fn role(&self) -> String {
        let run = &self.settings.run;
        let others = match run.roles.len() {
            0 => String::new(),
            1 => ", another in 1 account".to_owned(),
            more => format!(", others in {more} accounts"),
        };
        let policy = match &run.session_policy {
            PolicyChoice::Scoped => "; sessions limited to read and set",
            PolicyChoice::None => "; sessions may do all that the role may do",
            PolicyChoice::Document(_) => "; sessions limited by your policy",
        };
        format!("{}{others}{policy}", run.role)
    }

    fn reasons(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for record in self.prepared.records.values().filter(|record| record.outcome == Outcome::Skipped) {
            *counts.entry(reason(record)).or_default() += 1;
        }
        let all: usize = counts.values().sum();
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let named: Vec<_> = counts.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        format!("{all}: {}", named.join(", "))
    }

    fn sizes(&self) -> String {
        let mut sizes: Vec<_> = self.prepared.waves.iter().map(|wave| wave.targets.len().to_string()).collect();
        let again = self.prepared.resumed.as_ref().map_or(0, |resumed| resumed.again);
        if let Some(first) = sizes.first_mut().filter(|_| again > 0) {
            first.push_str(" that failed before");
        }
        let more = sizes.len().saturating_sub(WAVES);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let list = format!("{}{more}", sizes[..sizes.len().min(WAVES)].join(", "));
        let of_plan = match self.prepared.as_planned {
            Some(true) => ", those of the plan",
            Some(false) => ", not those of the plan",
            None => "",
        };
        match sizes.len() {
            0 | 1 if again > 0 => format!("one, of {again} that failed before"),
            0 | 1 => format!("all accounts in one{of_plan}"),
            _ => format!("{list} accounts{of_plan}"),
        }
    }

    fn pace(&self) -> String {
        let run = &self.settings.run;
        let outline = outline(self.settings, self.prepared);
        let rate = (run.rate > 0).then(|| f64::from(run.rate));
        let compares = self.aws.caller.partition.has_global_sts();
        let verify = if run.verify == Verify::TokenSize && !compares { &Verify::Setting } else { &run.verify };
        let visit = usual_visit(run.mode, verify);
        let forecast = Forecast { rate, concurrency: outline.concurrency, visit, between: outline.between };
        let limit = rate.map_or_else(|| "no limit".to_owned(), |rate| format!("at most {rate:.0} visits a second"));
        format!("{limit}, {} at once; about {}", run.concurrency, brief(forecast.of(outline.waves)))
    }
}

fn reason(record: &Record) -> &str {
    record.error.as_ref().map_or("skipped", |error| error.error_code.as_str())
}
