//! Reads the opt-in Regions of the accounts, beside the visits. It needs no role in the accounts.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use futures::StreamExt as _;

use crate::cloud::aws::Aws;
use crate::cloud::{Failure, FailureKind};
use crate::impact::verdict::OptInRegions;
use crate::org::AccountId;
use crate::terminal::Progress;

/// How many accounts are asked about at the same time. AWS publishes no rate.
const CONCURRENCY: usize = 8;

/// The reader, and what it has found so far.
pub(super) struct OptInRegionsReader<'a> {
    aws: &'a Aws,
    max_attempts: u32,
    management: AccountId,
    progress: &'a Progress,
    found: RefCell<BTreeMap<AccountId, OptInRegions>>,
    /// Whether AWS refuses to answer for other accounts.
    is_refused: Cell<bool>,
    /// How many accounts failed for other reasons, and the first failure.
    failed: RefCell<(usize, Option<Failure>)>,
}

impl<'a> OptInRegionsReader<'a> {
    pub(super) fn new(aws: &'a Aws, max_attempts: u32, management: AccountId, progress: &'a Progress) -> Self {
        Self {
            aws,
            max_attempts,
            management,
            progress,
            found: RefCell::default(),
            is_refused: Cell::new(false),
            failed: RefCell::default(),
        }
    }

    /// Returns the Regions of the accounts that were read.
    pub(super) fn into_found(self) -> BTreeMap<AccountId, OptInRegions> {
        self.found.into_inner()
    }

    /// Reads the Regions of these accounts. Says once why some of them are unknown.
    pub(super) async fn read(&self, accounts: &[AccountId]) {
        futures::stream::iter(accounts)
            .for_each_concurrent(CONCURRENCY, async |account| self.read_one(*account).await)
            .await;
        if let (count, Some(failure)) = &*self.failed.borrow() {
            let accounts = if *count == 1 { "1 account".to_owned() } else { format!("{count} accounts") };
            self.progress.warn(&format!("the opt-in Regions of {accounts} could not be read: {failure}"));
        }
    }

    async fn read_one(&self, account: AccountId) {
        let own = self.aws.lister();
        // Nobody can name the management account (Account Management API reference, `ListRegions`), so only its own credentials can list
        // its Regions.
        if account == self.management && account != own {
            return;
        }
        let named = Some(account).filter(|account| *account != own);
        if named.is_some() && self.is_refused.get() {
            return;
        }
        match self.aws.list_opt_in_regions(named, self.max_attempts).await {
            Ok(regions) => drop(self.found.borrow_mut().insert(account, OptInRegions::Enabled(regions))),
            Err(failure) if is_refusal_for_all(&failure) && named.is_some() => {
                if !self.is_refused.replace(true) {
                    self.progress.warn(&unknown_regions(&failure));
                }
            }
            Err(failure) => {
                let mut failed = self.failed.borrow_mut();
                failed.0 += 1;
                failed.1.get_or_insert(failure);
            }
        }
    }
}

/// Whether the refusal concerns the caller, and not one account.
fn is_refusal_for_all(failure: &Failure) -> bool {
    failure.kind == FailureKind::Refused && failure.code.as_str() == "AccessDeniedException"
}

/// Returns what to say if the caller may not list the Regions of other accounts.
fn unknown_regions(failure: &Failure) -> String {
    format!(
        "the opt-in Regions of the accounts are unknown: {failure}; allow account:ListRegions to the caller, and enable trusted access \
         for AWS Account Management in the Organization (aws organizations enable-aws-service-access --service-principal \
         account.amazonaws.com)"
    )
}
