//! Fetches the base credentials within a time limit, and refuses credentials that the SDK can't use.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use tokio::time::{Instant, timeout};

use super::timeouts::FETCH_CREDENTIALS;
use crate::secret::hide_for_good;

/// The SDK's cache allows only one fetch at a time, so other requests can wait for a fetch. If that fetch times out, each waiting
/// request then starts a fetch of its own at once, and would wait for another full time limit. Therefore a fetch that starts
/// within this time after a timeout fails at once. The retry of a call comes later, after at least 50 ms ([`backoff`](crate::retry::backoff)).
const WAITED_FOR_SAME_FETCH: Duration = Duration::from_millis(40);

/// Kept credentials that expire within this time are not used any more. The SDK's cache has the same limit (aws-smithy-runtime
/// 1.16, `client/identity/cache/lazy.rs`, `DEFAULT_BUFFER_TIME`).
pub(super) const RENEWED_BEFORE_EXPIRY: Duration = Duration::from_secs(10);

/// Wraps a provider: fetches its credentials within a time limit, and refuses credentials that can't be put into a header,
/// because the SDK would panic on them. For example, credentials might contain the line ends of another system.
#[derive(Debug)]
pub struct CheckedProvider {
    provider: SharedCredentialsProvider,
    /// When a fetch last timed out.
    timed_out: Mutex<Option<Instant>>,
    /// The credentials that were fetched before the first request; `None` if there are none, or if AWS no longer accepts them.
    kept: Mutex<Option<Credentials>>,
    fetches: FetchCounter,
}

/// Counts the fetches in flight.
#[derive(Clone, Debug, Default)]
pub struct FetchCounter(Arc<AtomicUsize>);

impl FetchCounter {
    pub(super) fn any_in_flight(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// Counts a fetch until the guard is dropped.
    fn start(&self) -> FetchGuard {
        self.0.fetch_add(1, Ordering::Relaxed);
        FetchGuard(self.clone())
    }
}

struct FetchGuard(FetchCounter);

impl Drop for FetchGuard {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl CheckedProvider {
    /// Wraps a provider.
    pub fn around(provider: SharedCredentialsProvider, fetches: &FetchCounter) -> Self {
        Self { provider, timed_out: Mutex::default(), kept: Mutex::default(), fetches: fetches.clone() }
    }

    /// Fetches credentials without a time limit, and keeps them for the requests.
    ///
    /// # Errors
    ///
    /// Returns the error of the source of the credentials, or an error if its credentials can't be used.
    pub async fn fetch_without_limit(&self) -> Result<(), CredentialsError> {
        let fetched = check_and_hide(self.provider.provide_credentials().await?)?;
        *self.kept() = Some(fetched);
        Ok(())
    }

    /// Gives up the credentials that were kept, because AWS does not accept them any more.
    pub fn forget(&self) {
        *self.kept() = None;
    }

    fn kept(&self) -> MutexGuard<'_, Option<Credentials>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn timed_out(&self) -> MutexGuard<'_, Option<Instant>> {
        self.timed_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self) -> Result<Credentials, CredentialsError> {
        let _in_flight = self.fetches.start();
        let just_timed_out = self.timed_out().is_some_and(|at| at.elapsed() < WAITED_FOR_SAME_FETCH);
        if !just_timed_out {
            if let Ok(fetched) = timeout(FETCH_CREDENTIALS, self.provider.provide_credentials()).await {
                return fetched;
            }
            *self.timed_out() = Some(Instant::now());
        }
        Err(CredentialsError::provider_timed_out(FETCH_CREDENTIALS))
    }
}

impl ProvideCredentials for CheckedProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let lasts =
                |kept: &Credentials| kept.expiry().is_none_or(|end| end > SystemTime::now() + RENEWED_BEFORE_EXPIRY);
            let kept = self.kept().clone().filter(lasts);
            match kept {
                Some(credentials) => Ok(credentials),
                None => check_and_hide(self.fetch().await?),
            }
        })
    }
}

/// The longest part of credentials, in bytes. AWS names no limit for session tokens. Tokens have some 2 kB, and web servers usually take
/// headers of up to 16 kB in all.
const MAX_LENGTH: usize = 32 << 10;

/// Checks credentials, and hides them in texts from outside from now on.
fn check_and_hide(credentials: Credentials) -> Result<Credentials, CredentialsError> {
    check(&credentials).map_err(CredentialsError::invalid_configuration)?;
    check_expiry(&credentials)?;
    secrets_of(&credentials).for_each(hide_for_good);
    Ok(credentials)
}

/// The parts of credentials that are not shown, without those that are placeholders in tests, such as the word `test`.
pub(super) fn secrets_of(credentials: &Credentials) -> impl Iterator<Item = &str> {
    let parts = [Some(credentials.access_key_id()), Some(credentials.secret_access_key()), credentials.session_token()];
    parts.into_iter().flatten().filter(|part| part.len() > 8)
}

/// Refuses credentials that can't be put into a header, wherever they come from. The SDK would panic.
pub(super) fn check(credentials: &Credentials) -> Result<(), String> {
    let printable = |text: &str| text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    for (name, text) in [
        ("the access key id", credentials.access_key_id()),
        ("the secret access key", credentials.secret_access_key()),
        ("the session token", credentials.session_token().unwrap_or_default()),
    ] {
        if text.len() > MAX_LENGTH {
            return Err(format!("{name} is longer than {MAX_LENGTH} bytes"));
        }
        if !printable(text) {
            return Err(format!("{name} holds a space or a control character, such as the end of a line"));
        }
    }
    Ok(())
}

/// Refuses credentials that have expired.
pub(super) fn check_expiry(credentials: &Credentials) -> Result<(), CredentialsError> {
    match credentials.expiry().filter(|end| *end <= SystemTime::now()) {
        None => Ok(()),
        Some(end) => {
            let end = humantime::format_rfc3339_seconds(end);
            Err(CredentialsError::provider_error(format!("they expired at {end}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default)]
    struct NeverAnswers(Arc<AtomicUsize>);

    impl ProvideCredentials for NeverAnswers {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.0.fetch_add(1, Ordering::Relaxed);
            future::ProvideCredentials::new(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_that_times_out_fails_all_waiting_requests_at_once() {
        let (fetches, counter) = (Arc::default(), FetchCounter::default());
        let provider =
            CheckedProvider::around(SharedCredentialsProvider::new(NeverAnswers(Arc::clone(&fetches))), &counter);
        let started = Instant::now();
        let dropped = timeout(Duration::from_secs(0), provider.provide_credentials()).await;
        assert!(dropped.is_err() && !counter.any_in_flight(), "a dropped request ends its fetch");
        fetches.store(0, Ordering::Relaxed);
        for _ in 0..3 {
            let error = provider.provide_credentials().await.expect_err("there are none");
            assert!(matches!(error, CredentialsError::ProviderTimedOut(_)), "{error:?}");
            assert_eq!(
                (fetches.load(Ordering::Relaxed), started.elapsed().as_secs()),
                (1, FETCH_CREDENTIALS.as_secs())
            );
        }
        // This is the shortest wait before a retry.
        tokio::time::sleep(crate::retry::backoff(1, 0.0)).await;
        assert!(provider.provide_credentials().await.is_err());
        assert_eq!(fetches.load(Ordering::Relaxed), 2, "a later request fetches again");
    }
}
