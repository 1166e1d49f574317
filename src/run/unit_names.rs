//! Reads the names of OUs: before the selection if it has paths of names, otherwise beside the visits, which never wait for them.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::{Fuse, FusedFuture as _, LocalBoxFuture};

use super::recorder::Recorder;
use super::signals::Signals;
use crate::cloud::FailureKind;
use crate::cloud::aws::{Aws, ListingError};
use crate::error::Error;
use crate::org::selection::{Selection, SelectionFailed};
use crate::org::{Account, UnitId, UnitNames};
use crate::terminal::Progress;

/// How long a run waits for names after its last visit. Seven parents of OUs are asked at once, and 50 more in this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most attempts of a call beside the visits. They take some 3 s, so that nothing says that the run waits for the call.
const MAX_ATTEMPTS: u32 = 5;

/// Reads names into `names`, and adds the ids of the OUs that the selection gives by their path of names. Does nothing if it gives
/// none.
///
/// Below an OU that has no OU with accounts below it, the names are read only if the selection gives a path through it.
pub(crate) async fn resolve(
    aws: &Aws,
    max_attempts: u32,
    selection: &mut Selection,
    accounts: &[Account],
    names: &mut UnitNames,
) -> Result<(), Error> {
    if selection.ou_names().next().is_none() {
        return Ok(());
    }
    let (mut roots, mut parents) = names.unread(accounts.iter().map(|account| account.attributes.ou_path.as_ref()));
    let mut asked = Vec::new();
    loop {
        let found = |id, parent, name| names.insert(id, parent, name);
        aws.for_each_unit(max_attempts, roots, &parents, found).await.map_err(Error::UnitNames)?;
        asked.append(&mut parents);
        let Err(missed) = selection.resolve_ou_names(names) else { return Ok(()) };
        let below: Vec<UnitId> = missed.below.iter().filter(|unit| !asked.contains(*unit)).cloned().collect();
        if below.is_empty() {
            return Err(SelectionFailed::NoSuchNames(missed).into());
        }
        (roots, parents) = (false, below);
    }
}

/// Returns what to say if names can't be read.
pub(crate) fn without_names(error: &ListingError) -> String {
    let advice = match error {
        ListingError::Call(failure) if failure.kind == FailureKind::Refused => {
            "; allow organizations:ListRoots and organizations:ListOrganizationalUnitsForParent to the caller"
        }
        _ => "",
    };
    format!("the names of OUs could not be read, so the reports show ids: {error}{advice}")
}

/// Reads the names that the reports lack. If this fails, the reports show ids instead, and a note says so.
async fn read(aws: &Aws, recorder: &RefCell<Recorder<'_>>) {
    let (roots, parents) = recorder.borrow().unread_units();
    let found = |id, parent, name| recorder.borrow_mut().record_unit(id, parent, name);
    let attempts = recorder.borrow().context.settings.run.max_attempts.min(MAX_ATTEMPTS);
    if let Err(error) = aws.for_each_unit(attempts, roots, &parents, found).await {
        recorder.borrow().context.progress.warn(&without_names(&error));
    }
}

/// The names that are read beside the visits.
pub(super) struct NamesBeside<'a> {
    names: Fuse<LocalBoxFuture<'a, ()>>,
    /// Whether the names are needed.
    needed: Box<dyn Fn() -> bool + 'a>,
}

impl<'a> NamesBeside<'a> {
    /// With `--quiet`, names are read only after a visit ended with another outcome than `unchanged`: a job that finds nothing to do
    /// every night costs the listing and the reads.
    pub(super) fn of<'r: 'a>(aws: &'a Aws, recorder: &'a RefCell<Recorder<'r>>) -> Self {
        let is_quiet = recorder.borrow().context.settings.output.stderr_mode.quiet;
        let news = Rc::clone(&recorder.borrow().news);
        let names = async move {
            if is_quiet {
                news.notified().await;
            }
            read(aws, recorder).await;
        };
        Self { names: names.boxed_local().fuse(), needed: Box::new(move || !is_quiet || recorder.borrow().has_news) }
    }

    /// Awaits the visits, and reads the names meanwhile.
    pub(super) async fn during<T>(&mut self, visits: impl Future<Output = T>) -> T {
        let mut visits = pin!(visits);
        loop {
            tokio::select! {
                biased;
                ended = &mut visits => return ended,
                () = &mut self.names => {}
            }
        }
    }

    /// Waits a little for the names that are still missing, unless the run was stopped or a signal arrives.
    pub(super) async fn after(&mut self, is_stopped: bool, signals: &mut Signals, progress: &Progress) {
        if self.names.is_terminated() || !(self.needed)() {
            return;
        }
        let rest = async { Ok(tokio::time::timeout(PATIENCE, &mut self.names).await.is_ok()) };
        if is_stopped || !signals.or_stop(rest).await.unwrap_or(false) {
            progress.warn("the visits ended before the names of all OUs were read, so the reports show some ids");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, ready};

    use super::*;

    fn beside<'a>(names: impl Future<Output = ()> + 'a) -> NamesBeside<'a> {
        NamesBeside { names: names.boxed_local().fuse(), needed: Box::new(|| true) }
    }

    #[tokio::test]
    async fn visits_do_not_wait_for_names() {
        assert_eq!(beside(pending()).during(ready(3)).await, 3);
        // Names that come first are read once, and the visits go on.
        let read = Cell::new(0);
        let mut names = beside(async { read.set(read.get() + 1) });
        let visits = async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            read.get()
        };
        assert_eq!(names.during(visits).await, 1);
        assert!(names.names.is_terminated());
    }
}
