//! The check of the tokens of the sampled accounts: the sizes that the regional and the global STS endpoint give for the same request, what
//! follows for other clients, and whose setting decided.

use std::time::Duration;

use super::{Check, Status, Subject};
use crate::cloud::aws::Aws;
use crate::cloud::{AccessMethod, Answer, Cloud as _, TokenSize};
use crate::org::{AccountId, ObservedVersion, TokenVersion};
use crate::rollout::issued_version::{Comparison, compare};

/// How long doctor waits for the global endpoint. A firewall may drop the packets to this endpoint alone.
const TIMEOUT: Duration = Duration::from_secs(6);

/// The longest token that STS issues (STS API reference, `AssumeRole`).
const MAX_SIZE: &str = "4,096";

/// How the sizes are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GlobalEndpoint {
    /// With one request for each sampled account.
    Asked,
    /// Not at all: `--no-global` was given, the partition has no global endpoint, or the endpoint did not answer.
    LeftOut,
}

/// What the global endpoint said about a sampled account.
#[derive(Debug)]
pub(crate) struct SampledToken {
    pub(super) account: AccountId,
    /// The account's setting.
    pub(super) setting: ObservedVersion,
    /// The comparison, or why there is none.
    pub(super) comparison: Result<Comparison, String>,
    /// Whether there was an answer of any kind.
    pub(crate) is_answered: bool,
}

/// Sends the account's AssumeRole to the global endpoint once, and compares the sizes of the tokens.
pub(crate) async fn ask(
    aws: &Aws,
    account: AccountId,
    access: &AccessMethod,
    setting: ObservedVersion,
    regional: TokenSize,
) -> SampledToken {
    let (comparison, is_answered) = match tokio::time::timeout(TIMEOUT, aws.global_token_size(account, access)).await {
        Ok(Ok(Answer { value, .. })) => (Ok(compare(regional, value)), true),
        Ok(Err(failure)) => (Err(failure.to_string()), !failure.is_unanswered()),
        Err(_) => (Err(format!("no answer within {} s", TIMEOUT.as_secs())), false),
    };
    SampledToken { account, setting, comparison, is_answered }
}

impl SampledToken {
    fn issued(&self) -> Option<TokenVersion> {
        self.comparison.as_ref().ok().and_then(|comparison| comparison.token.version)
    }

    /// Returns the sizes of the regional and of the global token.
    fn sizes(&self) -> Option<(u32, u32)> {
        let token = &self.comparison.as_ref().ok()?.token;
        token.regional_size.zip(token.global_size)
    }

    /// Returns what the comparison says, or why there is none.
    pub(super) fn found(&self) -> Result<String, &str> {
        let comparison = self.comparison.as_ref().map_err(String::as_str)?;
        let sizes = self.sizes().map_or_else(String::new, |(regional, global)| {
            format!("its token has {regional} bytes from the regional endpoint and {global} from the global one: ")
        });
        let what = match (comparison.unclear, comparison.token.version) {
            (Some(unclear), _) => unclear.to_string(),
            (None, version) => format!("{} is issued", version.map_or("unknown", TokenVersion::as_str)),
        };
        let how = if comparison.by_length { ", by the lengths, because STS gave no sizes" } else { "" };
        Ok(format!("{sizes}{what}{how}"))
    }
}

/// Returns the check of all sampled tokens; `None` if the global endpoint was not asked. `caller` is the account that assumes the roles,
/// with its setting if that is known. `is_needed` says whether the run proves its changes by sizes.
pub(crate) fn check(
    tokens: &[SampledToken],
    caller: (AccountId, Option<ObservedVersion>),
    is_needed: bool,
) -> Option<Check> {
    tokens.first()?;
    let requests = match tokens.len() {
        1 => "1 request was sent to the global endpoint for this".to_owned(),
        more => format!(
            "{more} requests were sent to the global endpoint for this, one for each account that was entered through a role"
        ),
    };
    let requests = format!("{requests}; --no-global leaves it out");
    let (known, unknown): (Vec<&SampledToken>, Vec<&SampledToken>) =
        tokens.iter().partition(|token| token.issued().is_some());
    let missing = unknown.first().map(|first| (first.found().unwrap_or_else(str::to_owned), advice_without(first)));
    let needed = missing.as_ref().map(|(_, advice)| *advice).filter(|_| is_needed);
    if let (true, Some((why, _))) = (known.is_empty(), &missing) {
        let message = format!("which tokens the global endpoint issues is not known: {why}; {requests}");
        return Some(Check::new(Subject::Tokens, status_with(needed), message, needed.unwrap_or_default()));
    }
    let mut parts = vec![growth(&known)];
    let differing = known.iter().filter(|token| differs(token.setting, token.issued())).count();
    let decided = whose_setting(&known, caller);
    let mut advice = "";
    match decided {
        Some(Decided::Role(count)) => parts.push(format!(
            "the setting of the role's account decided: it differs from that of the caller's account {} in {count}, and the tokens follow it",
            caller.0
        )),
        Some(Decided::Caller(count)) => {
            parts.push(format!(
                "the setting of the caller's account {} decided: it differs from that of the role's account in {count}, and the tokens \
                 follow it",
                caller.0
            ));
            advice = "check again in a minute, because tokens follow a setting some 10 s later; if this stays, set the accounts first from \
                      which roles are assumed";
        }
        Some(Decided::Mixed) => {
            parts.push(format!(
                "whose setting decides is not clear: it differs between the caller's account {} and others, and the tokens follow now one \
                 and now the other",
                caller.0
            ));
            advice = "check again in a minute, because tokens follow a setting some 10 s later";
        }
        None if differing > 0 => {
            parts.push(format!("in {differing} of {} accounts the tokens do not follow the setting", known.len()));
            advice = "check again in a minute, because tokens follow a setting some 10 s later";
        }
        None => {}
    }
    if let Some((why, _)) = missing {
        let (of, all) = (unknown.len(), tokens.len());
        parts.push(format!("in {of} of {all} accounts the issued version is not known: {why}"));
    }
    parts.push(requests);
    let advices: Vec<&str> = [Some(advice).filter(|advice| !advice.is_empty()), needed].into_iter().flatten().collect();
    let status = status_with(advices.first().copied());
    Some(Check::new(Subject::Tokens, status, parts.join("; "), advices.join("; ")))
}

/// Returns what to do about an account whose issued version `--verify token` would not find out.
const fn advice_without(token: &SampledToken) -> &'static str {
    if token.comparison.is_ok() {
        "such accounts would end as unverified, because the sizes do not tell the version: take --verify token=REGION with an opt-in \
         Region that is enabled in the accounts, or --verify setting"
    } else if token.is_answered {
        "such accounts would end as unverified: check that no policy denies the global endpoint (its aws:RequestedRegion is us-east-1), \
         or take --verify setting"
    } else {
        "such accounts would end as unverified: check that the network lets requests to the global endpoint through, or take --verify \
         setting"
    }
}

const fn status_with(advice: Option<&str>) -> Status {
    if advice.is_some() { Status::Warning } else { Status::Ok }
}

/// Returns the check for a configuration that hides the global endpoint.
pub(crate) fn hidden(obstacle: &str, is_needed: bool) -> Check {
    let message = format!("the sizes of tokens are not compared: {obstacle}");
    if is_needed {
        let advice = "--verify token is refused with it: take --verify setting, or another endpoint";
        return Check::failure(Subject::Tokens, message, advice);
    }
    Check::ok(Subject::Tokens, message)
}

/// Returns how much the sessions of other clients grow.
fn growth(known: &[&SampledToken]) -> String {
    const OWN: &str =
        "these sessions have this program's own session policy, which is part of the token: other clients will see";
    let of =
        |version| known.iter().filter(move |token| token.issued() == Some(version)).filter_map(|token| token.sizes());
    if let Some((regional, global)) = of(TokenVersion::V1Token).max() {
        let by = regional - global;
        return format!(
            "sessions of the global endpoint grow from {global} to {regional} bytes here; STS allows up to {MAX_SIZE}; {OWN} the growth of \
             {by} bytes, not these sizes"
        );
    }
    let regional = of(TokenVersion::V2Token).map(|(regional, _)| regional).max().unwrap_or_default();
    format!(
        "sessions of the global endpoint are as long as those of the regional one, {regional} bytes here; STS allows up to {MAX_SIZE}; \
         {OWN} other sizes"
    )
}

/// Whose setting decided the version of the tokens, and in how many accounts that shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decided {
    Role(usize),
    Caller(usize),
    Mixed,
}

/// Returns `None` if the settings of the caller's account and of the others do not differ, or are not known.
fn whose_setting(known: &[&SampledToken], (caller, setting): (AccountId, Option<ObservedVersion>)) -> Option<Decided> {
    let setting = setting.filter(|setting| *setting != ObservedVersion::Unknown)?;
    let others = known.iter().filter(|token| token.account != caller);
    let others = others.filter(|token| token.setting != ObservedVersion::Unknown && token.setting != setting);
    let (of_role, of_caller): (Vec<&SampledToken>, Vec<&SampledToken>) =
        others.copied().partition(|token| !differs(token.setting, token.issued()));
    match (of_role.len(), of_caller.len()) {
        (0, 0) => None,
        (count, 0) => Some(Decided::Role(count)),
        (0, count) => Some(Decided::Caller(count)),
        (_, _) => Some(Decided::Mixed),
    }
}

/// Whether another version is issued than the setting says.
fn differs(setting: ObservedVersion, issued: Option<TokenVersion>) -> bool {
    setting != ObservedVersion::Unknown && issued.is_some_and(|issued| !setting.shows(issued))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ObservedVersion::{Unknown, V1Token, V2Token};

    const CALLER: u64 = 100;

    fn id(number: u64) -> AccountId {
        format!("{number:012}").parse().unwrap()
    }

    fn token(number: u64, setting: ObservedVersion, global: i32) -> SampledToken {
        let size = |size| TokenSize::new(Some(size), 0);
        SampledToken {
            account: id(number),
            setting,
            comparison: Ok(compare(size(752), size(global))),
            is_answered: true,
        }
    }

    fn failed(number: u64) -> SampledToken {
        SampledToken { account: id(number), setting: V1Token, comparison: Err("denied".to_owned()), is_answered: true }
    }

    #[test]
    fn the_setting_that_decided_is_found() {
        let (old, new) = (352, 752);
        for (tokens, caller, expected) in [
            (vec![token(1, V1Token, old)], V2Token, Some(Decided::Role(1))),
            (vec![token(1, V2Token, new), token(2, V2Token, new)], V1Token, Some(Decided::Role(2))),
            (vec![token(1, V1Token, new)], V2Token, Some(Decided::Caller(1))),
            (vec![token(1, V2Token, old)], V1Token, Some(Decided::Caller(1))),
            (vec![token(1, V1Token, old), token(2, V1Token, new)], V2Token, Some(Decided::Mixed)),
            (vec![token(1, V1Token, old)], V1Token, None),
            (vec![token(1, Unknown, old)], V2Token, None),
            (vec![token(1, V1Token, old)], Unknown, None),
            (vec![token(CALLER, V1Token, old)], V2Token, None),
        ] {
            let known: Vec<&SampledToken> = tokens.iter().collect();
            assert_eq!(whose_setting(&known, (id(CALLER), Some(caller))), expected, "{tokens:?} {caller}");
            assert_eq!(whose_setting(&known, (id(CALLER), None)), None);
        }
    }

    #[test]
    fn the_check_says_what_follows() {
        let caller = |setting| (id(CALLER), setting);
        for (tokens, setting, is_needed, status, says) in [
            (
                vec![token(1, V1Token, 352), token(2, V1Token, 352)],
                Some(V1Token),
                true,
                Status::Ok,
                "grow from 352 to 752 bytes here; STS allows up to 4,096",
            ),
            // The version has to be known in all accounts.
            (
                vec![token(1, V1Token, 352), failed(2), failed(3)],
                Some(V1Token),
                true,
                Status::Warning,
                "in 2 of 3 accounts the issued version is not known: denied; 3 requests",
            ),
            (
                vec![failed(1), token(2, V1Token, 352)],
                Some(V1Token),
                false,
                Status::Ok,
                "in 1 of 2 accounts the issued version is not known: denied",
            ),
            (vec![token(1, V1Token, 352)], None, false, Status::Ok, "the growth of 400 bytes, not these sizes"),
            (vec![token(1, V1Token, 352)], None, false, Status::Ok, "1 request was sent"),
            (vec![token(1, V2Token, 752)], None, false, Status::Ok, "as long as those of the regional one, 752 bytes"),
            (vec![token(1, V2Token, 752)], Some(V1Token), false, Status::Ok, "the role's account decided"),
            (
                vec![token(1, V1Token, 752)],
                Some(V2Token),
                false,
                Status::Warning,
                "the caller's account 000000000100 decided",
            ),
            (vec![token(1, V1Token, 752)], None, false, Status::Warning, "in 1 of 1 accounts the tokens do not follow"),
            (vec![failed(1), failed(2)], None, false, Status::Ok, "is not known: denied; 2 requests"),
            (vec![failed(1)], None, true, Status::Warning, "is not known"),
            (vec![token(1, V1Token, 618)], None, true, Status::Warning, "between those of the two versions"),
        ] {
            let found = check(&tokens, caller(setting), is_needed).unwrap();
            assert_eq!(found.status, status, "{found:?}");
            assert!(found.message.contains(says), "{says}: {found:?}");
            assert_eq!(found.advice.is_empty(), status == Status::Ok, "{found:?}");
            assert!(found.message.contains("--no-global leaves it out"), "{found:?}");
        }
        assert!(check(&[], caller(None), true).is_none());
        let silent = SampledToken { is_answered: false, ..failed(1) };
        for (unknown, advises) in [
            (failed(1), "check that no policy denies"),
            (silent, "check that the network lets"),
            (token(1, V1Token, 618), "take --verify token=REGION"),
        ] {
            let found = check(&[token(2, V1Token, 352), unknown], caller(None), true).unwrap();
            assert!(found.advice.contains(advises), "{found:?}");
        }
        // Two causes have two advices.
        let found = check(&[token(1, V1Token, 752), failed(2)], caller(None), true).unwrap();
        assert!(found.advice.starts_with("check again in a minute") && found.advice.contains("no policy"), "{found:?}");
        assert_eq!(hidden("x", true).status, Status::Failure);
        assert_eq!(hidden("x", false).status, Status::Ok);
    }
}
