//! Asks IAM Access Troubleshooter at the end of a run which policies denied requests, and writes the answers into the journal.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures::FutureExt as _;

use super::context::RunContext;
use super::execute::Visited;
use crate::cloud::aws::Aws;
use crate::humanize::count;
use crate::journal::Entry;
use crate::rollout::StopReason;
use crate::rollout::explanation::{self, DeniedRequest, Explanation, Question, questions};
use crate::terminal::log_line::Level;
use crate::terminal::{LogLine, Progress};

/// How long the answers can take before a line says what the program waits for.
const NOTICE_AFTER: Duration = Duration::from_secs(2);

/// What a person can do who does not want to wait for the answers.
const SKIP: &str = "Ctrl-C skips this, and --no-explain leaves it out";

/// Adds to the records of a run which policies denied requests. A signal ends the questions.
pub(super) async fn denials_of_run(context: &RunContext, aws: &Aws, visited: &mut Visited) {
    let may_ask = match &visited.stopped {
        None | Some(StopReason::TooManyErrors { .. } | StopReason::Gate { .. }) => true,
        Some(_) => false,
    };
    if context.settings.run.no_explain || !may_ask || visited.signals.has_arrived() {
        return;
    }
    let Visited { journal, accounts, records, signals, .. } = visited;
    let questions = questions(records.iter().filter_map(DeniedRequest::of_record), SystemTime::now());
    let mut found = Vec::new();
    let asked = Box::pin(ask(aws, questions, &context.progress, |question, explanation| {
        let denied_by = explanation.denied_by().map(Arc::clone);
        let line = denied_by.as_deref().map(std::borrow::Cow::Borrowed);
        journal.append(&Entry::Explained { accounts: (&*question.accounts).into(), denied_by: line });
        found.push((question.accounts.clone(), denied_by));
    }));
    // A signal is no reason to lose the reports.
    let _ = signals.or_stop(asked.map(Ok)).await;
    for (concerned, denied_by) in found {
        for account in &concerned {
            if let Ok(index) = accounts.binary_search_by_key(account, |account| account.id) {
                explanation::add_to(&mut records[index], denied_by.as_ref(), concerned.len());
            }
        }
    }
}

/// Asks the questions. If the answers take long, says so. A caller drops the future at a signal, and keeps what was found.
pub(crate) async fn ask(
    aws: &Aws,
    questions: Vec<Question>,
    progress: &Progress,
    found: impl FnMut(&Question, Explanation),
) {
    if questions.is_empty() || !aws.has_troubleshooter() {
        return;
    }
    let causes = count(questions.len(), "cause", "causes");
    let details = async |id: &str| aws.authorization_details(id).await;
    let name = async |id: &str| aws.policy_name(id).await.ok().flatten();
    let mut answers = std::pin::pin!(explanation::explain(questions, details, name, found));
    tokio::select! {
        () = &mut answers => {}
        () = tokio::time::sleep(NOTICE_AFTER) => {
            let message = format!(
                "waiting up to {} s for AWS to tell which policies denied requests, for {causes} of failures; {SKIP}",
                explanation::PATIENCE.as_secs()
            );
            progress.log(&LogLine::new(Level::Info, "waiting", &message, serde_json::json!({})));
            answers.await;
        }
    }
}
