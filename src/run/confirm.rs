//! The question before a run. It shows the caller, the change, the accounts, the waves, the expected duration, and how to undo
//! the run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::context::RunContext;
use super::execute::{REVIEW_TIME, is_supervised};
use super::prepare::Prepared;
use crate::cloud::AccessMethod;
use crate::cloud::aws::Aws;
use crate::error::Error;
use crate::journal::{CommandName, PolicyChoice};
use crate::rollout::{Mode, Record, Tolerance, Verify};
use crate::sanitize::{for_shell, for_terminal};
use crate::settings::Settings;
use crate::terminal::forecast::{Forecast, brief, usual_visit};
use crate::terminal::layout::stderr_width;
use crate::terminal::layout::{table, wrap};
use crate::terminal::log_line::Level;
use crate::terminal::style::Paint;
use crate::terminal::{LogLine, Workload, prompt};

/// How many waves are listed one by one.
const WAVES: usize = 8;

/// The overview of a run that is about to start.
struct Overview<'a> {
    settings: &'a Settings,
    aws: &'a Aws,
    prepared: &'a Prepared,
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

/// Refuses to start if the command must ask for confirmation, but can't ask.
pub(crate) fn refuse_unattended(settings: &Settings) -> Result<(), Error> {
    if settings.run.mode == Mode::Plan || settings.run.yes || settings.can_ask {
        return Ok(());
    }
    Err(Error::NotConfirmed("this command asks before it starts, and there is no terminal to ask on: give --yes"))
}

/// Shows what is about to happen, and asks whether to start.
pub(crate) async fn confirm(context: &mut RunContext, aws: &Aws, prepared: &Prepared) -> Result<(), Error> {
    let RunContext { settings, progress, info, .. } = context;
    // A resume does not ask again, because the answer to this question also holds for the resume.
    info.settings.yes = true;
    let overview = Overview { settings, aws, prepared };
    if settings.run.mode == Mode::Plan || overview.targets() == 0 {
        return Ok(());
    }
    let lines = overview.in_lines(stderr_width(), settings.output.stderr_mode.color);
    if settings.run.yes {
        let note = LogLine::new(Level::Info, "overview", &overview.in_a_line(), overview.fields());
        progress.log_block(&note, &lines);
        return Ok(());
    }
    progress.finish();
    let yes = prompt::confirm(&format!("{lines}\nStart?")).await.unwrap_or(false);
    progress.show_bar();
    if yes { Ok(()) } else { Err(Error::NotConfirmed("the question was not answered with yes")) }
}

impl Overview<'_> {
    fn targets(&self) -> usize {
        self.prepared.waves.iter().map(|wave| wave.targets.len()).sum()
    }

    /// Returns the overview for a terminal of this width. Without a width, lines are not wrapped.
    fn in_lines(&self, width: Option<usize>, color: bool) -> String {
        let width = width.unwrap_or(usize::MAX);
        let title = wrap(&for_terminal(&self.title()), width, 0).into_iter();
        let title = title.map(|line| Paint::Bold.on(&line, color));
        let rows: Vec<_> =
            self.rows().into_iter().map(|(name, value)| (name, for_terminal(&value).into_owned())).collect();
        title.chain(table(&rows, width)).collect::<Vec<_>>().join("\n")
    }

    /// Returns the overview in one line, for a log.
    fn in_a_line(&self) -> String {
        let rows = self.rows();
        let rows = rows.iter().fold(String::new(), |mut text, (name, value)| {
            let _ = write!(text, "; {name}: {value}");
            text
        });
        format!("{}{rows}", self.title())
    }

    /// Returns the overview as JSON fields, for `--log-format json`.
    fn fields(&self) -> Value {
        let rows = self.rows().into_iter().map(|(name, value)| (name.replace(' ', "_"), Value::String(value)));
        Value::Object(rows.collect::<Map<_, _>>())
    }

    fn title(&self) -> String {
        let (run, targets) = (&self.settings.run, self.targets());
        let of = format!("{targets} account{}", if targets == 1 { "" } else { "s" });
        match (self.settings.command, &run.undoes) {
            (CommandName::Rollback, Some(undone)) => format!("put back what {} changed in {of}", undone.display()),
            _ => format!("set GlobalEndpointTokenVersion to {} in {of}", run.global_endpoint_token_version),
        }
    }

    fn rows(&self) -> Vec<(&'static str, String)> {
        let Self { settings, aws, prepared } = self;
        let run = &settings.run;
        let mut rows = vec![
            ("organization", prepared.organization.id.clone()),
            ("management", self.management()),
            ("caller", format!("{}, from {}", aws.caller.arn, aws.credential_source)),
        ];
        if aws.hub != aws.caller {
            rows.push(("through", aws.hub.arn.clone()));
        }
        rows.extend([("endpoint", format!("{} in {}", aws.sts_endpoint, aws.region)), ("role", self.role())]);
        rows.push(("accounts", format!("{} of {} selected", self.targets(), self.prepared.listed)));
        if !self.prepared.records.is_empty() {
            rows.push(("skipped", self.reasons()));
        }
        rows.extend([("waves", self.sizes()), ("pace", self.pace())]);
        rows.push((
            "verify",
            match &run.verify {
                Verify::None => "none: every account that is set ends as unverified".to_owned(),
                Verify::Setting => "each setting is read back".to_owned(),
                Verify::Token(region) => {
                    format!("each setting is read back, and proven with a token in {region}")
                }
            },
        ));
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
        rows.push(("undo", format!("v2token rollback {}", for_shell(&settings.folder()))));
        rows
    }

    fn management(&self) -> String {
        let id = self.prepared.organization.management;
        let target = self.prepared.waves.iter().flat_map(|wave| &wave.targets).find(|target| target.management);
        let how = match (target.map(|target| &target.access), self.prepared.records.get(&id)) {
            (Some(AccessMethod::Own), _) => "visited last, with the caller's own credentials".to_owned(),
            (Some(AccessMethod::Role(_) | AccessMethod::Root(_)), _) => "visited last, through its role".to_owned(),
            (None, Some(record)) => format!("skipped: {}", reason(record)),
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
            PolicyChoice::Scoped => "; its sessions may make only the calls of this run",
            PolicyChoice::None => "; its sessions may do all that the role may do",
            PolicyChoice::Document(_) => "; its sessions are limited by your policy",
        };
        format!("{}{others}{policy}", run.role)
    }

    fn reasons(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for record in self.prepared.records.values() {
            *counts.entry(reason(record)).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let named: Vec<_> = counts.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        format!("{}: {}", self.prepared.records.len(), named.join(", "))
    }

    fn sizes(&self) -> String {
        let sizes: Vec<_> = self.prepared.waves.iter().map(|wave| wave.targets.len().to_string()).collect();
        let more = sizes.len().saturating_sub(WAVES);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let list = format!("{}{more}", sizes[..sizes.len().min(WAVES)].join(", "));
        let bake = self.settings.run.bake;
        match (sizes.len(), is_supervised(self.settings)) {
            (0 | 1, _) => "all accounts in one".to_owned(),
            (_, true) => format!("{list} accounts; {} to review each", brief(REVIEW_TIME)),
            (_, false) if bake.is_zero() => format!("{list} accounts"),
            (_, false) => format!("{list} accounts; {} between them", humantime::format_duration(bake)),
        }
    }

    fn pace(&self) -> String {
        let run = &self.settings.run;
        let outline = outline(self.settings, self.prepared);
        let rate = (run.rate > 0).then(|| f64::from(run.rate));
        let visit = usual_visit(run.mode, &run.verify);
        let forecast = Forecast { rate, concurrency: outline.concurrency, visit, between: outline.between };
        let limit = rate.map_or_else(|| "no limit".to_owned(), |rate| format!("at most {rate:.0} visits a second"));
        format!("{limit}, {} at once; about {}", run.concurrency, brief(forecast.of(outline.waves)))
    }
}

fn reason(record: &Record) -> &str {
    record.error.as_ref().map_or("skipped", |error| error.error_code.as_str())
}
