//! The library from outside: which token version has each account of the Organization?
//!
//! It reads with the credentials and the Region of the usual AWS chain, and changes nothing.

use std::error::Error;
use std::io::Write as _;
use std::time::Duration;

use v2token::cloud::WayIn;
use v2token::cloud::aws::{Access, Aws};
use v2token::org::role::RoleTemplate;
use v2token::org::select::{Seat, Selection, Tags, select};
use v2token::org::{Reading, TokenVersion};
use v2token::rollout::{
    Acceptance, Event, Mode, NoIntents, Outage, Pace, Past, Rollout, Stop, Target, Terms, Verify, Wave, roll_out,
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let aws = Aws::connect(&Access::default()).await?;
    let organization = aws.organization().await?;
    let accounts = aws.accounts(false, |_, _| {}).await?.accounts;
    let seat = Seat { id: organization.management, left_out: None };
    let selected = select(&accounts, seat, &Selection::default(), &Tags::new(), None)?;
    let way = |account| {
        if account == aws.caller.account {
            WayIn::Own
        } else {
            WayIn::Role(RoleTemplate::default().arn(&aws.caller.partition, account).into())
        }
    };
    let target = |account: &&v2token::org::Account| Target {
        account: account.id,
        way: way(account.id),
        management: account.id == organization.management,
        invited: account.invited,
        wanted: TokenVersion::V2Token,
        past: Past::None,
    };
    let all = [Wave { number: None, targets: selected.targets.iter().map(target).collect() }];
    let terms = Terms {
        mode: Mode::Plan,
        verify: Verify::Setting,
        concurrency: 32,
        max_attempts: 8,
        account_timeout: Duration::from_mins(2),
        bake: Duration::ZERO,
        max_errors: None,
    };
    let (pace, outage, stop) = (Pace::new(50), Outage::default(), Stop::default());
    let acceptance = Acceptance::default();
    let sts_endpoint = aws.sts_endpoint.as_str().into();
    let survey = Rollout {
        cloud: &aws,
        intents: &NoIntents,
        pace: &pace,
        outage: &outage,
        acceptance: &acceptance,
        stop: &stop,
        terms,
        sts_endpoint,
    };
    let print = |event: Event<'_>| {
        if let Event::Visited { record, .. } = event {
            let version = record.current_version.map_or("not readable", Reading::as_str);
            let _ = writeln!(std::io::stdout(), "{} {version}", record.account_id);
        }
    };
    roll_out(&survey, &all, print, async |_| {}).await;
    Ok(())
}
