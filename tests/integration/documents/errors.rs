//! One value of every error that can occur before the first account, to look up in the documents.

use std::io;
use std::time::Duration;

use v2token::internals::{
    AwsSettingsError, CaBundleError, ConnectError, Effect, EndpointError, Error, Failure, FailureKind, InvalidSettings,
    ListingError, NearMisses, Operation, ProxyError, RegionRefused, ReplayFailed, RunFolderFailed, SelectionFailed,
    SystemLimit, Untrusted,
};

/// A failed call.
pub(super) fn failure(operation: Operation, kind: FailureKind, code: &str, message: &str) -> Failure {
    Failure {
        operation,
        kind,
        effect: Effect::None,
        code: code.into(),
        message: message.to_owned(),
        status: None,
        request_id: None,
    }
}

/// One value of every error, except other kinds of failed calls. A missing error does not compile: see `is_known`.
pub(super) fn errors() -> Vec<Error> {
    let text = || "x".to_owned();
    let path = || std::path::PathBuf::from("x");
    let call = || failure(Operation::AssumeRole, FailureKind::Refused, "AccessDenied", "no");
    let ids = || vec!["000000000001".parse().expect("an id")];
    let connect = [
        ConnectError::NoRegion,
        RegionRefused::Global(text()).into(),
        RegionRefused::Unknown { region: text(), suggestion: text() }.into(),
        RegionRefused::ProvesNothing(text()).into(),
        RegionRefused::NoGlobalEndpoint { region: text(), partition: "x" }.into(),
        RegionRefused::OtherPartition { region: text(), of_region: "x", of_caller: text() }.into(),
        EndpointError::Global { url: text() }.into(),
        EndpointError::UserInfo.into(),
        EndpointError::NotAUrl { url: text() }.into(),
        EndpointError::Unresolved { detail: text() }.into(),
        CaBundleError::Unreadable { path: path(), source: io::Error::other("x") }.into(),
        CaBundleError::NotPem { path: path(), detail: text() }.into(),
        ProxyError { variable: text() }.into(),
        AwsSettingsError::File { path: text(), line: Some(3), detail: text() }.into(),
        AwsSettingsError::NoProfile {
            profile: text(),
            origin: "x",
            config: text(),
            credentials: text(),
            suggestion: text(),
        }
        .into(),
        AwsSettingsError::Profile { profile: text(), detail: text() }.into(),
        AwsSettingsError::PartialKeys { missing: "x" }.into(),
        AwsSettingsError::NotText { name: text() }.into(),
        AwsSettingsError::WebIdentityWithoutRole.into(),
        AwsSettingsError::Value { name: text(), value: text(), expected: "x" }.into(),
        ConnectError::Metadata { url: text() },
        ConnectError::V1Token { failure: call(), region: text() },
        ConnectError::MfaTokenMissing { serial: text() },
        ConnectError::MfaSerialMissing,
        ConnectError::SessionTooLong { arn: text(), asked: std::time::Duration::from_hours(2) },
        ConnectError::TokenTestImpossible { detail: text() },
        ConnectError::ViaRole(failure(
            Operation::GetCallerIdentity,
            FailureKind::Credentials,
            "NoCredentials",
            "the role x in the chain to the accounts can't be assumed: x",
        )),
    ];
    let listing = [
        ListingError::Loop { operation: Operation::ListAccounts, pages: 3 },
        ListingError::Endless { operation: Operation::ListAccounts, pages: 3, limit: text() },
        ListingError::NoManagementAccount(ids()[0]),
        ListingError::NoId { name: text(), id: text() },
        ListingError::Empty,
        ListingError::Nameless,
    ];
    let selection = [
        SelectionFailed::NoSuchAccounts { ids: ids(), suggestion: text() },
        SelectionFailed::NoSuchUnits { ids: vec!["r-ab12".parse().expect("an id")], suggestion: text() },
        SelectionFailed::NoSuchNames(NearMisses { text: text(), ambiguous: false, near: vec![], below: vec![] }),
        SelectionFailed::NoSuchNames(NearMisses { text: text(), ambiguous: true, near: vec![], below: vec![] }),
        SelectionFailed::Empty { listed: 5, narrowing: text(), suggestion: text() },
    ];
    let others = [
        ConnectError::Call(call()).into(),
        ListingError::Call(call()).into(),
        Error::Unwritable { what: "the report", path: path(), source: io::Error::other("x") },
        SystemLimit::Files(io::Error::other("x")).into(),
        SystemLimit::Threads(io::Error::other("x")).into(),
        SystemLimit::Clock.into(),
        RunFolderFailed::NoRun { path: path(), cause: text() }.into(),
        RunFolderFailed::Unreadable { path: path(), cause: text() }.into(),
        RunFolderFailed::from(ReplayFailed::Unreadable { path: path(), detail: text() }).into(),
        RunFolderFailed::from(ReplayFailed::Damaged { path: path(), line: 3, detail: text() }).into(),
        RunFolderFailed::from(ReplayFailed::Incomplete { path: path(), line: 3, detail: text() }).into(),
        RunFolderFailed::from(ReplayFailed::Newer { path: path(), version: "9.0.0".to_owned(), format: 9 }).into(),
        RunFolderFailed::Busy(path()).into(),
        InvalidSettings::ChainedSessionTooLong(Duration::from_hours(2)).into(),
        InvalidSettings::RootCannotSet.into(),
        RunFolderFailed::Taken(path()).into(),
        RunFolderFailed::from(Untrusted::Owner { path: path(), owner: 65_534 }).into(),
        RunFolderFailed::from(Untrusted::Writable { path: path(), mode: 0o777 }).into(),
        RunFolderFailed::from(Untrusted::Link { path: path(), owner: 65_534 }).into(),
        RunFolderFailed::Changed { path: path(), detail: text() }.into(),
        RunFolderFailed::Mixed { path: path(), journal: text(), described: text() }.into(),
        RunFolderFailed::Shortened { path: path(), sentence: text() }.into(),
        Error::UnitNames(ListingError::Empty),
        Error::UnitNames(ListingError::Call(call())),
        Error::Unlisted(Box::new(ListingError::Empty.into())),
        Error::Signal { name: "SIGINT", exit_code: 130 },
        Error::Signal { name: "SIGHUP", exit_code: 129 },
    ];
    let all = connect.into_iter().map(Error::from);
    let all: Vec<Error> = all
        .chain(listing.into_iter().map(Error::from))
        .chain(selection.into_iter().map(Error::from))
        .chain(others)
        .collect();
    all.iter().for_each(is_known);
    all
}

/// Does not compile until a new error is added.
fn is_known(error: &Error) {
    match error {
        Error::Connect(error) => match error {
            ConnectError::Region(
                RegionRefused::Global { .. }
                | RegionRefused::Unknown { .. }
                | RegionRefused::ProvesNothing { .. }
                | RegionRefused::NoGlobalEndpoint { .. }
                | RegionRefused::OtherPartition { .. },
            )
            | ConnectError::Endpoint(
                EndpointError::Global { .. }
                | EndpointError::UserInfo
                | EndpointError::NotAUrl { .. }
                | EndpointError::Unresolved { .. },
            )
            | ConnectError::CaBundle(CaBundleError::Unreadable { .. } | CaBundleError::NotPem { .. })
            | ConnectError::Proxy(ProxyError { .. })
            | ConnectError::NoRegion
            | ConnectError::Call(_)
            | ConnectError::Settings(
                AwsSettingsError::File { .. }
                | AwsSettingsError::NoProfile { .. }
                | AwsSettingsError::Profile { .. }
                | AwsSettingsError::PartialKeys { .. }
                | AwsSettingsError::NotText { .. }
                | AwsSettingsError::WebIdentityWithoutRole
                | AwsSettingsError::Value { .. },
            )
            | ConnectError::Metadata { .. }
            | ConnectError::V1Token { .. }
            | ConnectError::MfaTokenMissing { .. }
            | ConnectError::MfaSerialMissing
            | ConnectError::SessionTooLong { .. }
            | ConnectError::TokenTestImpossible { .. }
            | ConnectError::ViaRole(_) => {}
        },
        Error::Listing(
            ListingError::Call(_)
            | ListingError::Loop { .. }
            | ListingError::Endless { .. }
            | ListingError::NoManagementAccount(_)
            | ListingError::NoId { .. }
            | ListingError::Empty
            | ListingError::Nameless,
        )
        | Error::Selection(
            SelectionFailed::NoSuchAccounts { .. }
            | SelectionFailed::NoSuchUnits { .. }
            | SelectionFailed::NoSuchNames(_)
            | SelectionFailed::Empty { .. },
        )
        | Error::RunFolder(
            RunFolderFailed::Replay(
                ReplayFailed::Unreadable { .. }
                | ReplayFailed::Damaged { .. }
                | ReplayFailed::Incomplete { .. }
                | ReplayFailed::Newer { .. },
            )
            | RunFolderFailed::Unwritable { .. }
            | RunFolderFailed::NoRun { .. }
            | RunFolderFailed::Changed { .. }
            | RunFolderFailed::Unreadable { .. }
            | RunFolderFailed::Busy(_)
            | RunFolderFailed::Taken(_)
            | RunFolderFailed::Mixed { .. }
            | RunFolderFailed::Shortened { .. }
            | RunFolderFailed::Untrusted(Untrusted::Owner { .. } | Untrusted::Writable { .. } | Untrusted::Link { .. }),
        )
        | Error::System(SystemLimit::Files(_) | SystemLimit::Threads(_) | SystemLimit::Clock)
        | Error::UnitNames(_)
        | Error::Unwritable { .. }
        | Error::Unlisted(_)
        | Error::Signal { .. }
        // The tests look for their texts in the source.
        | Error::Usage(_)
        | Error::NotConfirmed(_)
        | Error::Mismatch(_) => {}
    }
}
