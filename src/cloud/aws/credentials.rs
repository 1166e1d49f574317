//! This module owns fetching the base credentials: in time or not at all, and only such as the SDK can use.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use tokio::time::{Instant, timeout};

use super::timeouts::FETCH_CREDENTIALS;

/// Whoever asks so soon after a fetch that took too long has stood in line for it: the SDK's cache lets one at a time through. A call
/// that is tried again comes later, after 50 ms at least ([`retry`](crate::cloud::backoff)).
const SOON: Duration = Duration::from_millis(40);

/// Gives credentials in time or not at all, and refuses those that can't stand in a header, such as those of a file with the line ends
/// of another system. The SDK would panic on them.
#[derive(Debug)]
pub(crate) struct CheckedProvider {
    provider: SharedCredentialsProvider,
    /// When a fetch last took too long.
    gave_up: Mutex<Option<Instant>>,
    fetching: FetchCounter,
}

/// How many fetches are under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct FetchCounter(Arc<AtomicUsize>);

impl FetchCounter {
    /// Whether there is one.
    pub(super) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// Counts one until it is dropped.
    fn begin(&self) -> impl Drop + use<> {
        struct Under(FetchCounter);
        impl Drop for Under {
            fn drop(&mut self) {
                self.0.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        Under(self.clone())
    }
}

impl CheckedProvider {
    /// Looks at what this provider gives.
    pub(crate) fn around(provider: SharedCredentialsProvider, fetching: &FetchCounter) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(Self { provider, gave_up: Mutex::default(), fetching: fetching.clone() })
    }

    fn gave_up(&self) -> MutexGuard<'_, Option<Instant>> {
        self.gave_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self) -> Result<Credentials, CredentialsError> {
        let _fetching = self.fetching.begin();
        let in_vain = self.gave_up().is_some_and(|gave_up| gave_up.elapsed() < SOON);
        if !in_vain && let Ok(fetched) = timeout(FETCH_CREDENTIALS, self.provider.provide_credentials()).await {
            return fetched;
        }
        if !in_vain {
            *self.gave_up() = Some(Instant::now());
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
            let credentials = self.fetch().await?;
            let printable = |text: &str| text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
            for (name, text) in [
                ("the access key id", credentials.access_key_id()),
                ("the secret access key", credentials.secret_access_key()),
                ("the session token", credentials.session_token().unwrap_or_default()),
            ] {
                if !printable(text) {
                    let detail = format!("{name} holds a space or a control character, such as the end of a line");
                    return Err(CredentialsError::invalid_configuration(detail));
                }
            }
            Ok(credentials)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Never gives anything.
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
    async fn a_fetch_that_takes_too_long_is_given_up_once_for_all_who_wait() {
        let (fetches, fetching) = (Arc::default(), FetchCounter::default());
        let provider =
            CheckedProvider::around(SharedCredentialsProvider::new(NeverAnswers(Arc::clone(&fetches))), &fetching);
        let started = Instant::now();
        let just_looked = timeout(Duration::from_secs(0), provider.provide_credentials()).await;
        assert!(just_looked.is_err() && !fetching.is_on(), "whoever leaves takes the fetch along");
        fetches.store(0, Ordering::Relaxed);
        for _ in 0..3 {
            let error = provider.provide_credentials().await.expect_err("there are none");
            assert!(matches!(error, CredentialsError::ProviderTimedOut(_)), "{error:?}");
            assert_eq!(
                (fetches.load(Ordering::Relaxed), started.elapsed().as_secs()),
                (1, FETCH_CREDENTIALS.as_secs())
            );
        }
        // The first wait before a call is tried again.
        tokio::time::sleep(crate::cloud::retry::backoff(1, 0.0)).await;
        assert!(provider.provide_credentials().await.is_err());
        assert_eq!(fetches.load(Ordering::Relaxed), 2, "it may be over");
    }
}
