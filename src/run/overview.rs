//! This module owns what is told of a run before it starts: who does what, where, in which steps, for how long, and how it is
//! undone.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::execute::{LOOK, is_watched};
use crate::cloud::AccessMethod;
use crate::cloud::aws::{Aws, Organization};
use crate::journal::{CommandName, PolicyChoice};
use crate::org::AccountId;
use crate::rollout::{Record, Tolerance, Verify, Wave};
use crate::sanitize::{for_shell, for_terminal};
use crate::settings::Settings;
use crate::terminal::Outline;
use crate::terminal::forecast::{Forecast, brief, usual_visit};
use crate::terminal::layout::{table, wrap};
use crate::terminal::style::Paint;

/// So many waves are named one by one.
const WAVES: usize = 8;

/// What is known of a run that is about to start.
pub(crate) struct Overview<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) organization: &'a Organization,
    pub(crate) aws: &'a Aws,
    /// How many accounts the Organization has.
    pub(crate) listed: usize,
    pub(crate) waves: &'a [Wave],
    pub(crate) skipped: &'a BTreeMap<AccountId, Record>,
}

/// What the display has to know before the first visit.
pub(crate) fn outline(settings: &Settings, organization: &Organization, listed: usize, waves: &[Wave]) -> Outline {
    Outline {
        organization: organization.id.clone(),
        listed,
        waves: waves.iter().map(|wave| wave.targets.len()).collect(),
        between: if is_watched(settings) { LOOK } else { settings.run.bake },
        concurrency: usize::from(settings.run.concurrency),
    }
}

impl Overview<'_> {
    /// How many accounts are to be visited.
    pub(crate) fn targets(&self) -> usize {
        self.waves.iter().map(|wave| wave.targets.len()).sum()
    }

    /// For a terminal of so many columns; without a number, in lines as long as they are.
    pub(crate) fn in_lines(&self, width: Option<usize>, color: bool) -> String {
        let width = width.unwrap_or(usize::MAX);
        let title = wrap(&for_terminal(&self.title()), width, 0).into_iter();
        let title = title.map(|line| Paint::Strong.on(&line, color));
        let rows: Vec<_> =
            self.rows().into_iter().map(|(name, value)| (name, for_terminal(&value).into_owned())).collect();
        title.chain(table(&rows, width)).collect::<Vec<_>>().join("\n")
    }

    /// For a log.
    pub(crate) fn in_a_line(&self) -> String {
        let rows = self.rows();
        let rows = rows.iter().fold(String::new(), |mut text, (name, value)| {
            let _ = write!(text, "; {name}: {value}");
            text
        });
        format!("{}{rows}", self.title())
    }

    /// For machines.
    pub(crate) fn fields(&self) -> Value {
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
        let Self { settings, organization, aws, .. } = self;
        let run = &settings.run;
        let mut rows = vec![
            ("organization", organization.id.clone()),
            ("management", self.management()),
            ("caller", aws.caller.arn.clone()),
        ];
        if aws.hub != aws.caller {
            rows.push(("through", aws.hub.arn.clone()));
        }
        rows.extend([("endpoint", format!("{} in {}", aws.sts_endpoint, aws.region)), ("role", self.role())]);
        rows.push(("accounts", format!("{} of {} selected", self.targets(), self.listed)));
        if !self.skipped.is_empty() {
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
                Some(Tolerance::Percent(100)) => "however many fail, the run goes on".to_owned(),
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
        let id = self.organization.management;
        let target = self.waves.iter().flat_map(|wave| &wave.targets).find(|target| target.management);
        let how = match (target.map(|target| &target.access), self.skipped.get(&id)) {
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
            PolicyChoice::Scoped => "; its sessions may do only this",
            PolicyChoice::None => "; its sessions may do whatever it may",
            PolicyChoice::Document(_) => "; its sessions are held to your policy",
        };
        format!("{}{others}{policy}", run.role)
    }

    fn reasons(&self) -> String {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for record in self.skipped.values() {
            *counts.entry(reason(record)).or_default() += 1;
        }
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let named: Vec<_> = counts.into_iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        format!("{}: {}", self.skipped.len(), named.join(", "))
    }

    fn sizes(&self) -> String {
        let sizes: Vec<_> = self.waves.iter().map(|wave| wave.targets.len().to_string()).collect();
        let more = sizes.len().saturating_sub(WAVES);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let list = format!("{}{more}", sizes[..sizes.len().min(WAVES)].join(", "));
        let bake = self.settings.run.bake;
        match (sizes.len(), is_watched(self.settings)) {
            (0 | 1, _) => "all accounts in one".to_owned(),
            (_, true) => format!("{list} accounts; {} to look after each", brief(LOOK)),
            (_, false) if bake.is_zero() => format!("{list} accounts"),
            (_, false) => format!("{list} accounts; {} between them", humantime::format_duration(bake)),
        }
    }

    fn pace(&self) -> String {
        let run = &self.settings.run;
        let outline = outline(self.settings, self.organization, self.listed, self.waves);
        let rate = (run.rate > 0).then(|| f64::from(run.rate));
        let visit = usual_visit(run.mode, &run.verify);
        let forecast = Forecast { rate, concurrency: outline.concurrency, visit, between: outline.between };
        let limit = rate.map_or_else(|| "no limit".to_owned(), |rate| format!("at most {rate:.0} visits a second"));
        format!("{limit}, {} at once; about {}", run.concurrency, brief(forecast.of(outline.waves)))
    }
}

fn reason(record: &Record) -> &str {
    record.error.as_ref().map_or("skipped", |error| &error.error_code)
}
