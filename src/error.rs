//! The errors that stop a run. Each error has a message, an exit code, and a hint that says what to do about the error.

use std::io::ErrorKind;
use std::path::PathBuf;

use crate::aws_settings::AwsSettingsError;
use crate::cloud::aws::{ConnectError, EndpointError, ListingError};
use crate::cloud::{ErrorCode, Failure, FailureKind, Operation, OwnCode};
use crate::journal::{InvalidSettings, ReplayFailed, RunFolderFailed};
use crate::org::region::RegionRefused;
use crate::org::selection::SelectionFailed;
use crate::rollout::denial::{Denial, denied_action};
use crate::rollout::hint;
use crate::sanitize::for_shell;
use crate::system_limits::SystemLimit;

/// An error that stops a run. A failure in a single account is not such an error; the account's record describes this failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An option is invalid, or the options contradict each other or the environment.
    #[error("{0}")]
    Usage(String),
    /// The connection to AWS failed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The accounts could not be listed.
    #[error("the accounts could not be listed: {0}")]
    Listing(#[from] ListingError),
    /// The names of OUs could not be read, and the selection needs them.
    #[error("the names of the OUs could not be read: {0}")]
    UnitNames(ListingError),
    /// The selection matches no account, or names something that does not exist.
    #[error(transparent)]
    Selection(#[from] SelectionFailed),
    /// The system does not give what the program needs.
    #[error(transparent)]
    System(#[from] SystemLimit),
    /// The run was not confirmed.
    #[error("{0}")]
    NotConfirmed(&'static str),
    /// A file can't be written.
    #[error("{what} {} can't be written: {source}", path.display())]
    Unwritable {
        /// The kind of file.
        what: &'static str,
        /// The file's path.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A run folder can't be used.
    #[error(transparent)]
    RunFolder(#[from] RunFolderFailed),
    /// An earlier run does not match the options.
    #[error("{0}")]
    Mismatch(String),
    /// A plan had begun to visit accounts when the listing failed, or when the list could not be written.
    #[error("{0}")]
    Unlisted(Box<Error>),
    /// A signal arrived before the first visit.
    #[error("stopped by {name}")]
    Signal {
        /// The signal's name.
        name: &'static str,
        /// The exit code, which is 128 plus the signal's number.
        exit_code: u8,
    },
}

impl Error {
    /// Returns the process's exit code.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Connect(_)
            | Self::Listing(_)
            | Self::UnitNames(_)
            | Self::Selection(_)
            | Self::System(_)
            | Self::NotConfirmed(_)
            | Self::Unwritable { .. }
            | Self::RunFolder(_)
            | Self::Mismatch(_) => 1,
            Self::Unlisted(cause) => cause.exit_code(),
            Self::Signal { exit_code, .. } => *exit_code,
        }
    }

    /// Returns what to do about the error, or an empty text if the message is sufficient.
    pub fn hint(&self) -> String {
        let hint = match self {
            Self::Connect(ConnectError::ViaRole(failure)) => {
                let tags = failure.message.contains("sts:TagSession");
                let denial = Denial::of(&failure.message);
                let is_usual = matches!(denial, Denial::Unknown | Denial::TrustPolicy { explicit: false });
                if let Some(advice) = denial.advice_to_caller("sts:AssumeRole").filter(|_| !is_usual) {
                    return advice;
                }
                let identity = failure.message.contains("SetSourceIdentity");
                let also = match (identity, tags) {
                    (true, _) => ", and allows sts:SetSourceIdentity",
                    (false, true) => ", and allows sts:TagSession, which the caller needs as well",
                    (false, false) => "",
                };
                return format!("check that the role's trust policy allows the role before it, or the caller{also}");
            }
            Self::UnitNames(ListingError::Call(failure)) if failure.kind == FailureKind::Refused => {
                "allow organizations:ListRoots and organizations:ListOrganizationalUnitsForParent to the caller, or give the ids \
                 of the OUs instead of their names"
            }
            Self::UnitNames(ListingError::Call(failure)) => return call_hint(failure),
            Self::Connect(ConnectError::Call(failure)) | Self::Listing(ListingError::Call(failure)) => {
                return call_hint(failure);
            }
            Self::Unlisted(cause) => return cause.hint(),
            Self::Connect(error) => connect_hint(error),
            Self::Listing(_) | Self::UnitNames(_) => {
                "Organizations does not answer like this: try again, and check proxies and --endpoint-url if it happens again"
            }
            Self::Selection(SelectionFailed::NoSuchAccounts { .. }) => {
                "check the ids: an account that left the Organization can't be reached through it"
            }
            Self::Selection(SelectionFailed::Empty { .. }) => {
                "several options of one kind widen the selection, options of different kinds narrow it; plan without them lists \
                 every account"
            }
            Self::RunFolder(error) => return run_folder_hint(error),
            Self::System(limit) => limit.hint(),
            Self::Unwritable { source, .. } => unwritable_hint(source),
            Self::Usage(_) | Self::Selection(_) | Self::NotConfirmed(_) | Self::Mismatch(_) | Self::Signal { .. } => "",
        };
        hint.to_owned()
    }
}

fn connect_hint(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::NoRegion => {
            "name one with --region, AWS_REGION, or in the profile; us-east-1 works for every account"
        }
        ConnectError::Region(RegionRefused::Unknown { .. }) => {
            "if this Region is new, run in another: the Region only picks the STS endpoint of the run; in partition \
             aws, us-east-1 is active in every account"
        }
        ConnectError::Region(RegionRefused::Global { .. } | RegionRefused::OtherPartition { .. }) => {
            "name a Region of the caller's partition with --region"
        }
        ConnectError::Endpoint(EndpointError::Global { .. }) => {
            "remove that endpoint from --endpoint-url, AWS_ENDPOINT_URL_STS, AWS_ENDPOINT_URL and the profile, or name a \
             regional one"
        }
        ConnectError::MfaTokenMissing { .. } => {
            "give its six digits with --mfa-token, or run on a terminal, where they are asked for"
        }
        ConnectError::SessionTooLong { .. } => {
            "leave out --session-duration: a visit takes seconds, and the run opens new sessions as needed"
        }
        ConnectError::V1Token { .. } => {
            "run with --region us-east-1, or with a session that a Regional STS endpoint issued"
        }
        ConnectError::Settings(AwsSettingsError::NoProfile { .. }) => {
            "list the profiles with `aws configure list-profiles`, and check AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, \
             which name the files"
        }
        _ => "",
    }
}

/// Returns what to do about a file or a folder that may not be written.
fn unwritable_hint(source: &std::io::Error) -> &'static str {
    match source.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "name a folder that you may write to: --run-dir for the run folder, which is otherwise made below the current one"
        }
        _ => "",
    }
}

fn run_folder_hint(error: &RunFolderFailed) -> String {
    let hint = match error {
        RunFolderFailed::Taken(path) => {
            return format!(
                "name another with --run-dir, or continue that run with: v2token resume {}",
                for_shell(path)
            );
        }
        RunFolderFailed::Unreadable { .. } => "run as the user who started that run, who alone may read its folder",
        RunFolderFailed::Mixed { .. } => {
            "it contains files of several runs: move them apart, and look at each run with v2token report"
        }
        RunFolderFailed::Shortened { .. } => {
            "put back the journal of the whole run; report.csv in the folder may still have its rows"
        }
        RunFolderFailed::Changed { .. } => {
            "report.csv in the folder has everything that the run did: to undo it, name the accounts that are changed or unverified \
             in it with --accounts-from"
        }
        RunFolderFailed::Untrusted(_) => {
            "v2token does in AWS what a run folder says: for a new run, name a folder of your own or one inside it with --run-dir; \
             look at an old one with v2token report, and if all of it is right, make it yours with chown and chmod -R go-w"
        }
        RunFolderFailed::Busy(_) => "wait for it, or watch it: v2token report",
        RunFolderFailed::NoRun { .. } => "name the folder that the run left, by default v2token-runs/<run id>",
        RunFolderFailed::Replay(ReplayFailed::Unreadable { .. }) => {
            "check the disk that the run folder is on; nothing was changed there"
        }
        RunFolderFailed::Replay(ReplayFailed::Damaged { .. }) => {
            "nothing was cut off: restore the journal from a copy, or repair the line; do not remove it, because its content \
             would be lost"
        }
        RunFolderFailed::Replay(ReplayFailed::Incomplete { .. }) => {
            "lines before it are missing or were changed: restore the journal from a copy; nothing was cut off, and each \
             account that was set has a line with the event intent"
        }
        RunFolderFailed::Replay(ReplayFailed::Newer { .. }) => {
            "use the version of v2token that wrote it, or a later one"
        }
        RunFolderFailed::Unwritable { source, .. } => unwritable_hint(source),
    };
    hint.to_owned()
}

impl From<InvalidSettings> for Error {
    fn from(invalid: InvalidSettings) -> Self {
        Self::Usage(invalid.to_string())
    }
}

/// Returns what to do about a call that failed before the first visit.
fn call_hint(failure: &Failure) -> String {
    match failure.code {
        ErrorCode::Own(OwnCode::ConnectionFailed) => {
            let by_proxy = hint::refused_by_proxy(&failure.message);
            return by_proxy.unwrap_or_else(|| own_hint(OwnCode::ConnectionFailed)).to_owned();
        }
        ErrorCode::Own(code) => return own_hint(code).to_owned(),
        ErrorCode::HttpStatus(_) => return hint::foreign_answer(failure).unwrap_or(hint::FOREIGN).to_owned(),
        ErrorCode::Other(_) => {}
    }
    // The reasons that the hints below do not cover: these say which permission is usually missing.
    let denial = match Denial::of(&failure.message) {
        Denial::IdentityPolicy { explicit: false } | Denial::Unknown => None,
        denial => denial.advice_to_caller(&denied_action(&failure.message, failure.operation)),
    };
    if let (Some(advice), "AccessDenied" | "AccessDeniedException") = (denial, failure.code.as_str()) {
        return advice;
    }
    let text = match (failure.operation, failure.code.as_str(), failure.kind) {
        (_, "ExpiredToken" | "ExpiredTokenException", _) => "the base credentials have expired: renew them",
        (_, "SignatureDoesNotMatch" | "InvalidSignatureException", _) if failure.message.contains("valid region") => {
            "the Region is not one of the credentials' partition, or not that of the endpoint that is configured: name another with \
             --region"
        }
        (_, "SignatureDoesNotMatch" | "InvalidSignatureException" | "RequestExpired", _) => {
            "check the secret key and this machine's clock"
        }
        (_, _, FailureKind::Credentials) => {
            "the base credentials are not accepted: check them, and that their Region is enabled"
        }
        (Operation::GetSessionToken, "AccessDenied", _) => {
            "check the device's ARN, and give a code that was not used yet: a session by MFA can be opened only with the \
             long-term keys of an IAM user, not with a role's session"
        }
        (Operation::DescribeOrganizationalUnit, "AccessDenied" | "AccessDeniedException", _) => {
            "no account is in that OU, and the caller may not check whether it exists: allow \
             organizations:DescribeOrganizationalUnit to the caller, or leave the OU out"
        }
        (_, "AWSOrganizationsNotInUseException", _) => "the caller's account is in no Organization: check the profile",
        (Operation::DescribeOrganization | Operation::ListAccounts, "AccessDenied" | "AccessDeniedException", _) => {
            "listing needs organizations:DescribeOrganization and organizations:ListAccounts, in the management account or in a \
             delegated administrator's account"
        }
        (_, "AccessDenied" | "AccessDeniedException", _) => {
            return format!("allow {}:{} to the caller", failure.operation.service(), failure.operation);
        }
        _ => "",
    };
    text.to_owned()
}

/// Returns what to do about a failure that this program detected.
fn own_hint(code: OwnCode) -> &'static str {
    match code {
        OwnCode::NoCredentials => {
            "give credentials of the management account, or of a delegated administrator: --profile, AWS_PROFILE, or the AWS_* \
             variables; run `aws sso login` or `aws login` if the profile needs it"
        }
        OwnCode::HostNotFound => "check the Region's spelling, the DNS, and the proxy settings (HTTPS_PROXY, NO_PROXY)",
        OwnCode::TooManyOpenFiles => "allow more open files with ulimit -n, or lower --concurrency",
        OwnCode::CertificateRefused => "name the certificate authority of your proxy with --ca-bundle or AWS_CA_BUNDLE",
        OwnCode::ConnectionFailed | OwnCode::RequestTimedOut => {
            "check the network and the proxy settings (HTTPS_PROXY, NO_PROXY)"
        }
        OwnCode::UnreadableAnswer => hint::FOREIGN,
        _ => "",
    }
}
