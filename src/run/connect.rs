//! Connects a command to AWS, and asks for the MFA code if one is needed.

use crate::cloud::aws::{Aws, ConnectError, ConnectOptions};
use crate::error::Error;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::terminal::{Progress, prompt};

/// Connects to AWS with the options of the settings.
pub(crate) async fn connect(settings: &Settings, progress: &Progress) -> Result<Aws, Error> {
    progress.show_bar();
    connect_with(settings.connect_options(), settings.can_ask, progress).await
}

/// Connects to AWS. If an MFA code is missing and there is a terminal, asks for the code before the first request.
pub(crate) async fn connect_with(mut access: ConnectOptions, can_ask: bool, progress: &Progress) -> Result<Aws, Error> {
    match Aws::connect(&access).await {
        Err(ConnectError::MfaTokenMissing { serial }) if can_ask => {
            access.mfa.token = Some(ask(&serial, progress).await?);
            Ok(Aws::connect(&access).await?)
        }
        other => Ok(other?),
    }
}

async fn ask(serial: &str, progress: &Progress) -> Result<Secret, Error> {
    let question = crate::sanitize::for_terminal(&format!("MFA code of {serial}: ")).into_owned();
    progress.finish();
    let answer = prompt::secret(&question).await;
    progress.show_bar();
    let code: Secret = answer
        .map_err(|error| Error::Usage(format!("the MFA code could not be read: {error}")))?
        .parse()
        .expect("every text is a secret");
    crate::settings::check_mfa_token(&code).map(|()| code)
}
