//! The simulated clients: who they are, what they call, at which endpoint, and how often.

use super::{ClientTruth, Side, Traffic};
use crate::account_id::AccountId;
use crate::secrets::mix;

/// The name of the event that shows that an account's trail has events of everything, reads included.
pub(crate) const HEARTBEAT: &str = "DescribeInstances";

/// The user agents of SDKs that use the global endpoint unless they are told otherwise.
const GLOBAL_AGENTS: [&str; 5] = [
    "Boto3/1.34.51 md/Botocore#1.34.51 ua/2.0 os/linux#5.10.0 md/arch#x86_64 lang/python#3.9.16 cfg/retry-mode#legacy Botocore/1.34.51",
    "aws-cli/1.29.85 Python/3.8.10 Linux/5.4.0-1103-aws botocore/1.31.85",
    "aws-sdk-go/1.44.100 (go1.19.3; linux; amd64)",
    "aws-sdk-java/1.12.300 Linux/4.14.291 OpenJDK_64-Bit_Server_VM/11.0.16+8 java/11.0.16 vendor/Eclipse_Adoptium",
    "aws-sdk-nodejs/2.1400.0 linux/v16.20.0 promise",
];

/// The user agents of SDKs that use Regional endpoints.
const REGIONAL_AGENTS: [&str; 4] = [
    "aws-cli/2.15.30 Python/3.11.8 Linux/5.10.0 exe/x86_64.amzn.2 prompt/off",
    "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64 api/sts#1.30.3",
    "aws-sdk-java/2.25.60 Linux/5.10 OpenJDK_64-Bit_Server_VM/17.0.11 Java/17.0.11 vendor/Amazon.com_Inc.",
    "Boto3/1.40.12 md/Botocore#1.40.12 ua/2.1 os/linux#6.1 lang/python#3.12.4 cfg/retry-mode#standard Botocore/1.40.12",
];

/// How the event of a call at the global endpoint says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GlobalForm {
    /// By `endpointType`, as since 2025.
    EndpointType,
    /// Only by the host, as before.
    Host,
    /// Only by the host `sts-global.<region>.amazonaws.com`.
    RegionalHost,
    /// By `awsRegion: "global"` and the host, as in the oldest records.
    Region,
}

/// Where a client sends its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Global(GlobalForm),
    Regional(&'static str),
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A session of a role.
    Role,
    User,
    /// A user of an identity provider.
    Saml,
    WebIdentity,
    /// An AWS service.
    Service(&'static str),
}

/// A client.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(super) seed: u64,
    pub(super) partition: &'static str,
    /// The caller's account: its index and its id.
    pub(super) home: (u32, AccountId),
    /// The account of the role if it is another one.
    pub(super) other: Option<(u32, AccountId)>,
    pub(super) who: Who,
    pub(super) operation: &'static str,
    pub(super) endpoint: Endpoint,
    pub(super) agent: &'static str,
    /// The number that is part of the names of its roles.
    pub(super) number: u32,
    pub(super) denied: bool,
    /// Whether its events have the size of the token.
    pub(super) with_size: bool,
    /// The seconds between two calls.
    pub(super) period: i64,
    /// The seconds between the newest call and the end.
    pub(super) offset: i64,
}

/// A kind of client: who calls what at which endpoint.
struct Kind {
    who: Who,
    operation: &'static str,
    endpoint: Endpoint,
    denied: bool,
    /// Whether the role is in another account.
    across: bool,
}

const fn kind(who: Who, operation: &'static str, endpoint: Endpoint) -> Kind {
    Kind { who, operation, endpoint, denied: false, across: false }
}

const fn denied(kind: Kind) -> Kind {
    Kind { denied: true, ..kind }
}

const fn across(kind: Kind) -> Kind {
    Kind { across: true, ..kind }
}

const GLOBAL: Endpoint = Endpoint::Global(GlobalForm::EndpointType);
const HOME: Endpoint = Endpoint::Regional("us-east-1");
const ELSEWHERE: Endpoint = Endpoint::Regional("eu-west-1");

/// The kinds of clients that nobody needs to hear of.
const UNAFFECTED: [Kind; 8] = [
    kind(Who::Role, "AssumeRole", HOME),
    kind(Who::Role, "AssumeRole", ELSEWHERE),
    across(kind(Who::Role, "AssumeRole", HOME)),
    kind(Who::Saml, "AssumeRoleWithSAML", HOME),
    kind(Who::WebIdentity, "AssumeRoleWithWebIdentity", ELSEWHERE),
    kind(Who::Role, "GetCallerIdentity", GLOBAL),
    denied(kind(Who::Role, "AssumeRole", GLOBAL)),
    kind(Who::Service("lambda.amazonaws.com"), "AssumeRole", GLOBAL),
];

/// The kinds of clients that get sessions from the global endpoint.
const AFFECTED: [Kind; 9] = [
    kind(Who::Role, "AssumeRole", GLOBAL),
    kind(Who::User, "AssumeRole", Endpoint::Global(GlobalForm::Host)),
    kind(Who::User, "GetSessionToken", GLOBAL),
    kind(Who::User, "GetFederationToken", GLOBAL),
    kind(Who::Saml, "AssumeRoleWithSAML", GLOBAL),
    kind(Who::WebIdentity, "AssumeRoleWithWebIdentity", GLOBAL),
    across(kind(Who::Role, "AssumeRole", GLOBAL)),
    kind(Who::Role, "AssumeRole", Endpoint::Global(GlobalForm::RegionalHost)),
    kind(Who::Role, "AssumeRole", Endpoint::Global(GlobalForm::Region)),
];

/// Makes the clients: in every account a heartbeat and a service, in most of them unaffected clients, and in a third of them affected
/// clients.
pub(super) fn populate(traffic: Traffic, partition: &'static str, ids: &[AccountId]) -> Vec<Client> {
    let mut dice = fastrand::Rng::with_seed(mix(traffic.seed));
    let mut clients = Vec::new();
    for (index, id) in (0..).zip(ids) {
        let heartbeat = kind(Who::Role, HEARTBEAT, HOME);
        let service = kind(Who::Service("ec2.amazonaws.com"), "AssumeRole", HOME);
        let mut kinds = vec![&heartbeat, &service];
        kinds.extend((0..dice.usize(..4)).map(|_| &UNAFFECTED[dice.usize(..UNAFFECTED.len())]).collect::<Vec<_>>());
        if dice.u8(..3) == 0 {
            let number = dice.usize(1..4);
            kinds.extend((0..number).map(|_| &AFFECTED[dice.usize(..AFFECTED.len())]).collect::<Vec<_>>());
        }
        for (number, kind) in (0..).zip(kinds) {
            let other = Some(dice.usize(..ids.len())).filter(|other| kind.across && *other != index as usize);
            if kind.across && other.is_none() {
                continue;
            }
            let agents: &[&'static str] =
                if matches!(kind.endpoint, Endpoint::Global(_)) { &GLOBAL_AGENTS } else { &REGIONAL_AGENTS };
            // A heartbeat beats on every day of UTC; the other clients are of different activity.
            let period = if kind.operation == HEARTBEAT {
                43_200
            } else {
                86_400 / i64::from(traffic.calls_per_day.max(1)) * dice.i64(1..4) + dice.i64(0..600)
            };
            clients.push(Client {
                seed: dice.u64(..),
                partition,
                home: (index, *id),
                other: other.map(|other| (u32::try_from(other).expect("at most 50,000 accounts"), ids[other])),
                who: kind.who,
                operation: kind.operation,
                endpoint: kind.endpoint,
                agent: agents[dice.usize(..agents.len())],
                number,
                denied: kind.denied,
                with_size: dice.bool(),
                period,
                offset: dice.i64(0..43_200) % period,
            });
        }
    }
    clients
}

impl Client {
    /// Returns the accounts that have events of the client's calls.
    pub(super) fn sides(&self) -> Vec<(u32, Side)> {
        match self.other {
            None => vec![(self.home.0, Side::Own)],
            // A call that is denied has an event only in the caller's account.
            Some(_) if self.denied => vec![(self.home.0, Side::Caller)],
            Some((role, _)) => vec![(self.home.0, Side::Caller), (role, Side::Role)],
        }
    }

    /// Returns the ARN of the caller's role or user.
    pub(super) fn principal(&self) -> Option<String> {
        let (partition, id, number) = (self.partition, self.home.1, self.number);
        match self.who {
            Who::Role => Some(format!("arn:{partition}:iam::{id}:role/app/Worker{number}")),
            Who::User => Some(format!("arn:{partition}:iam::{id}:user/ci-{number}")),
            Who::Saml | Who::WebIdentity | Who::Service(_) => None,
        }
    }

    /// Returns the ARN of the role that the client asks for.
    pub(super) fn role(&self) -> Option<String> {
        let id = self.other.map_or(self.home.1, |(_, id)| id);
        let is_for_a_role = self.operation.starts_with("AssumeRole");
        is_for_a_role.then(|| format!("arn:{}:iam::{id}:role/Target{}", self.partition, self.number))
    }

    pub(super) fn truth(&self, side: Side, events: u64) -> ClientTruth {
        ClientTruth {
            principal: self.principal(),
            role: self.role(),
            user_agent: self.agent.to_owned(),
            operation: self.operation.to_owned(),
            side,
            other_account: self.other.map(|(_, id)| if side == Side::Role { self.home.1 } else { id }),
            global: matches!(self.endpoint, Endpoint::Global(_)),
            issues_sessions: !self.denied
                && !matches!(self.who, Who::Service(_))
                && !["GetCallerIdentity", HEARTBEAT].contains(&self.operation),
            events,
        }
    }
}
