//! The confirmation of a run: shows what is about to happen, and asks whether to start.

use super::context::RunContext;
use super::overview::Overview;
use super::prepare::Prepared;
use crate::cloud::aws::Aws;
use crate::error::Error;
use crate::rollout::Mode;
use crate::settings::Settings;
use crate::terminal::layout::stderr_width;
use crate::terminal::log_line::Level;
use crate::terminal::{LogLine, prompt};

/// Refuses to start if the command must ask for confirmation, but can't ask.
pub(crate) fn refuse_unattended(settings: &Settings) -> Result<(), Error> {
    if settings.run.mode == Mode::Plan || settings.run.yes || settings.can_ask {
        return Ok(());
    }
    Err(Error::NotConfirmed("this command asks before it starts, and there is no terminal to ask on: give --yes"))
}

/// Shows what is about to happen, and asks whether to start.
pub(crate) async fn confirm(context: &RunContext, aws: &Aws, prepared: &Prepared) -> Result<(), Error> {
    let RunContext { settings, progress, info, folder, .. } = context;
    let overview = Overview { settings, started: info.started_at, folder: folder.path(), aws, prepared };
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
    let question = if prepared.resumed.is_some() { "Continue?" } else { "Start?" };
    let yes = prompt::confirm(&format!("{lines}\n{question}")).await.unwrap_or(false);
    progress.show_bar();
    if yes { Ok(()) } else { Err(Error::NotConfirmed("the question was not answered with yes")) }
}
