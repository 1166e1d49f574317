//! A simulated AWS Organization on loopback.
//!
//! The simulator is an HTTP server that implements the wire protocols of Organizations, STS, IAM, IAM Access Troubleshooter, CloudTrail
//! and Account Management as far as `v2token` uses them. So the real program with the real AWS SDK can run against thousands of accounts. The simulator verifies signatures,
//! enforces trust and session policies, records the truth about every account and every call, and injects faults on request.
//!
//! ```
//! use v2token_simulator::{ListingFault, Organization, PerCall, TokenVersion, VersionMix};
//!
//! let organization = Organization::builder()
//!     .accounts(200)
//!     .version_mix(VersionMix::percent_v2(30))
//!     .account(7, |account| account.faults.throttle = PerCall::all(3))
//!     .account("000000000008", |account| account.faults.deny_assume = true)
//!     .listing(ListingFault::EmptyFirstPage)
//!     .start();
//!
//! // Give `organization.environment()` to the program under test, and change the world under it:
//! organization.control(|world| world.account_mut(9).change_externally(Some(TokenVersion::V2)));
//!
//! let truth = organization.truth();
//! assert_eq!(truth.account(9).version, Some(TokenVersion::V2));
//! assert!(truth.operations.is_empty());
//! ```
//!
//! With [`Builder::global_sts`] and [`Builder::opt_in_region`], the setting has the same effect as in AWS: after a lag, it
//! determines in which Regions the sessions of the global STS endpoint are accepted.
//!
//! [`Role`]s determine who can enter an account. They can trust principals directly or through a role chain, and can require an
//! external id, MFA ([`Builder::mfa_codes`]), a source identity, or a web identity ([`World::web_identity_token`]).
//! [`RootAccess`] needs no roles. The tree is random or explicit ([`Builder::unit`]), in any partition ([`Builder::partition`]),
//! and the services' clock can be wrong ([`Builder::clock_offset`]).
//!
//! ```
//! use v2token_simulator::{MANAGEMENT_ACCOUNT, Organization, ROOT_ID, Role, Trusted};
//!
//! let hub = "arn:aws:iam::000000000100:role/platform/Hub";
//! let organization = Organization::builder()
//!     .accounts(20)
//!     .unit("ou-ab12-workload1", "Workloads", ROOT_ID)
//!     .account(MANAGEMENT_ACCOUNT, |account| account.other_roles.push(Role::named("platform/Hub")))
//!     .account(7, move |account| {
//!         account.ou = "ou-ab12-workload1".into();
//!         account.role.trusts = vec![Trusted::Principal(hub.into())];
//!     })
//!     .start();
//!
//! let truth = organization.truth();
//! assert!(!truth.account(7).assumable, "not without the hub");
//! assert_eq!(truth.account(7).path, "o-exampleorg1/r-ab12/ou-ab12-workload1/000000000007/");
//! ```
//!
//! With [`Builder::traffic`], the accounts have clients of STS. Their events are in the event history of each account, and
//! [`World::write_trail`] writes them as the files of an organization trail. [`World::clients`] tells the truth about them.
//!
//! Account ids start with `0000`, so that they can't be mistaken for real ids. Secrets contain [`SECRET_MARKER`], so that tests
//! can search for leaks.
//!
//! Other processes can read the truth at `GET /_simulator/truth`, use some controls at `POST /_simulator/control`, and get
//! credentials for `credential_process` at `GET /_simulator/credentials`. With `?lifetime=SECONDS`, these are new credentials
//! that expire. Latency, limits and faults do not apply to these paths.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod account;
mod account_id;
mod account_names;
mod answer;
mod answer_body;
mod assume;
mod auth;
mod builder;
mod client_knowledge;
mod clock;
mod constraint;
mod credentials;
mod delegation;
mod dispatch;
mod fault;
mod iam;
mod lookup_events;
mod mfa;
mod network;
mod organization;
mod organizations;
mod paging;
mod partition;
mod permissions;
mod policy;
mod populate;
mod rate_limit;
mod regions;
mod remote_control;
mod request;
mod role;
mod root_access;
mod secrets;
mod server;
mod shared;
mod sigv4;
mod simulate_policy;
mod spoiled;
mod sts;
mod token_size;
mod tokens;
mod traffic;
mod tree;
mod troubleshooter;
mod truth;
mod vault;
mod version;
mod web_identity;
mod world;

#[cfg(test)]
mod wire_tests;

pub use account::{AccountCalls, AccountState, JoinedMethod, SimulatedAccount};
pub use account_id::{AccountId, MANAGEMENT_ACCOUNT};
pub use account_names::HOSTILE_NAMES;
pub use builder::Builder;
pub use client_knowledge::ClientKnowledge;
pub use credentials::Credentials;
pub use fault::{ALWAYS, Faults, ListingError, ListingFault, PerCall};
pub use network::{Latency, Network, Noise, Service};
pub use organization::Organization;
pub use populate::VersionMix;
pub use rate_limit::{RateLimit, Scope};
pub use request::Operation;
pub use role::{DEFAULT_ROLE, Role, Trusted};
pub use root_access::RootAccess;
pub use secrets::SECRET_MARKER;
pub use spoiled::{Spoiled, Spoiling};
pub use token_size::{DecidingAccount, GlobalFaults, GlobalSize, TokenSizes};
pub use traffic::{ClientTruth, Side, Traffic};
pub use tree::{ORGANIZATION_ID, ROOT_ID};
pub use troubleshooter::{DENYING_SCP, DenyingPolicy, Endless, PolicyType, Troubleshooter};
pub use truth::{AccountTruth, OperationTruth, Truth};
pub use version::TokenVersion;
pub use world::{Caller, World};
