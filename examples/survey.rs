//! The library from outside: which token version has each account of the Organization?
//!
//! It reads with the credentials and the Region of the usual AWS chain, and changes nothing.

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use v2token::{
    AccessMethod, Aws, ConnectOptions, Event, ManagementAccount, Mode, NoIntents, ObservedVersion, Provenance,
    RoleTemplate, Rollout, RolloutOptions, Selection, Tags, Target, Targets, TokenVersion, Verify, Wave, roll_out,
    select,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let aws = Aws::connect(&ConnectOptions::default()).await?;
    let organization = aws.describe_organization().await?;
    let mut accounts = Vec::new();
    // Without a hub, the list does not restart, so no account comes twice.
    aws.for_each_account(false, |account, _| accounts.push(account)).await?;
    let management_account = ManagementAccount { id: organization.management, skip_reason: None };
    let selected = select(&accounts, management_account, &Selection::default(), &Tags::new(), None)?;
    let access = |account| {
        if account == aws.caller.account {
            AccessMethod::Own
        } else {
            AccessMethod::Role(RoleTemplate::default().arn(&aws.caller.partition, account).into())
        }
    };
    let target = |account: &&v2token::Account| Target {
        wave: None,
        account: account.id,
        access: access(account.id),
        management: account.id == organization.management,
        invited: account.attributes.invited,
        wanted: TokenVersion::V2Token,
        provenance: Provenance::None,
    };
    let all = [Wave { number: None, targets: selected.targets.iter().map(target).collect() }];
    let options = RolloutOptions {
        mode: Mode::Plan,
        verify: Verify::Setting,
        rate: 50,
        concurrency: 32,
        max_attempts: 8,
        account_timeout: Duration::from_mins(2),
        bake: Duration::ZERO,
        max_errors: None,
    };
    let survey = Rollout::new(&aws, &NoIntents, options);
    let print = |event: Event<'_>| {
        if let Event::Visited { record, .. } = event {
            let version = record.current_version.map_or("not readable", ObservedVersion::as_str);
            let _ = writeln!(std::io::stdout(), "{} {version}", record.account_id);
        }
    };
    roll_out(&survey, Targets::Waves(&all), print, async |_| Ok(())).await;
    Ok(())
}
