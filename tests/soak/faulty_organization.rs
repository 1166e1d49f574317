//! The Organization of the soak: the faults of accounts and requests, and the rate limits.

use std::time::Duration;

use v2token_simulator::{
    AccountId, Builder, MANAGEMENT_ACCOUNT, Noise, Operation, Organization, PerCall, RateLimit, Service,
    SimulatedAccount, VersionMix,
};

/// The fault of an account; each occurs in one account of a hundred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AccountFault {
    None,
    DeniedAssume,
    DeniedRead,
    DeniedSet,
    LostAcknowledgement,
    StaleRead,
    ExpiredSession,
    MissingKey,
}

impl AccountFault {
    /// Returns the fault of this account.
    pub(crate) fn of(seed: u64, id: AccountId) -> Self {
        match scatter(seed ^ scatter(id.number())) % 100 {
            0 => Self::DeniedAssume,
            1 => Self::DeniedRead,
            2 => Self::DeniedSet,
            3 => Self::LostAcknowledgement,
            4 => Self::StaleRead,
            5 => Self::ExpiredSession,
            6 => Self::MissingKey,
            _ => Self::None,
        }
    }

    /// Whether the fault prevents the change of an account, or its read-back.
    pub(crate) const fn is_lasting(self) -> bool {
        match self {
            Self::DeniedAssume | Self::DeniedRead | Self::DeniedSet | Self::MissingKey => true,
            Self::None | Self::LostAcknowledgement | Self::StaleRead | Self::ExpiredSession => false,
        }
    }

    fn apply_to(self, account: &mut SimulatedAccount) {
        let faults = &mut account.faults;
        match self {
            Self::None => {}
            Self::DeniedAssume => faults.deny_assume = true,
            Self::DeniedRead => faults.deny_read = true,
            Self::DeniedSet => faults.deny_set_by_scp = true,
            Self::LostAcknowledgement => faults.lost_acknowledgements = 1,
            Self::StaleRead => faults.stale_reads = 3,
            Self::ExpiredSession => faults.expired_session = PerCall { assume: 0, read: 1, set: 1 },
            Self::MissingKey => faults.missing_summary_key = true,
        }
    }
}

/// The finalizer of SplitMix64.
const fn scatter(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// An Organization with random faults of every kind. One account in ten is on v2Token already.
pub(crate) fn faulty_organization(accounts: usize, seed: u64, hang: f64) -> Builder {
    let each = 0.005;
    let noise = Noise {
        status_500: each,
        status_503: each,
        reset: each,
        truncated: each,
        foreign: each,
        empty: each,
        slow: each,
        slow_for: Duration::from_millis(500),
        hang,
        seed,
        ..Noise::default()
    };
    Organization::builder()
        .accounts(accounts)
        .seed(seed)
        .base_session(true)
        .version_mix(VersionMix::percent_v2(10))
        // The management account is entered with the caller's own credentials, which can't be denied.
        .each_account(move |account| match account.id() {
            MANAGEMENT_ACCOUNT => {}
            id => AccountFault::of(seed, id).apply_to(account),
        })
        .noise(noise)
        .throttle(Operation::ListAccounts, RateLimit::new(60.0, 10.0))
        .throttle(Service::Sts, RateLimit::new(300.0, 100.0))
        .throttle(Service::Iam, RateLimit::new(900.0, 200.0))
}
