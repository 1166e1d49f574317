//! Keeps the base credentials, and checks whenever they are renewed that they still belong to the account of the caller.
//!
//! A person has confirmed the run for one caller. A source that later gives credentials of another account would change other
//! accounts than those of the question.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::Client;

use super::credentials::RENEWED_BEFORE_EXPIRY;
use super::endpoint::of_service;
use super::role_chain::with_empty_cache;
use super::sts;
use crate::org::AccountId;

/// The account of the caller, once STS has named it.
pub(super) type ConfirmedAccount = Arc<OnceLock<AccountId>>;

/// Provides the credentials of another provider, as long as they belong to the confirmed account.
pub(super) struct SameAccount {
    provider: SharedCredentialsProvider,
    /// For the clients that ask who the caller is.
    config: SdkConfig,
    account: ConfirmedAccount,
    /// The credentials in use.
    kept: Mutex<Option<Credentials>>,
}

impl SameAccount {
    pub(super) fn around(
        provider: SharedCredentialsProvider,
        config: SdkConfig,
        account: ConfirmedAccount,
    ) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(Self { provider, config, account, kept: Mutex::default() })
    }

    async fn provide(&self) -> provider::Result {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let lasts =
            |kept: &Credentials| kept.expiry().is_some_and(|end| end > SystemTime::now() + RENEWED_BEFORE_EXPIRY);
        if let Some(kept) = kept.as_ref().filter(|kept| lasts(kept)) {
            return Ok(kept.clone());
        }
        let credentials = self.provider.provide_credentials().await?;
        let is_known = kept.is_some_and(|kept| kept.access_key_id() == credentials.access_key_id());
        // Before the account is known, the first call of the run asks for it.
        if let Some(account) = self.account.get().filter(|_| !is_known) {
            self.check(&credentials, *account).await?;
        }
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(credentials.clone());
        Ok(credentials)
    }

    async fn check(&self, credentials: &Credentials, account: AccountId) -> Result<(), CredentialsError> {
        let provider = SharedCredentialsProvider::new(credentials.clone());
        let config = with_empty_cache(&self.config.to_builder().credentials_provider(provider).build());
        let caller = sts::caller(&Client::new(&of_service(&config, "sts"))).await;
        let caller = caller.map_err(|failure| CredentialsError::provider_error(failure.to_string()))?.value;
        if caller.account == account {
            return Ok(());
        }
        let message = format!(
            "the renewed base credentials are those of account {}, and the run is of account {account}",
            caller.account
        );
        Err(CredentialsError::provider_error(message))
    }
}

impl fmt::Debug for SameAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SameAccount").field("provider", &self.provider).finish_non_exhaustive()
    }
}

impl ProvideCredentials for SameAccount {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }
}
