//! Connects a command to AWS, and asks for the MFA code if one is needed.

use std::time::Duration;

use crate::cloud::aws::{Aws, ConnectError, ConnectOptions};
use crate::error::Error;
use crate::secret::Secret;
use crate::settings::Settings;
use crate::terminal::log_line::Level;
use crate::terminal::{LogLine, Progress, prompt};

/// How long the `credential_process` of a profile can run before a line on stderr names the profile.
const NOTICE_AFTER: Duration = Duration::from_secs(2);

/// Connects to AWS with the options of the settings.
pub(crate) async fn connect(settings: &Settings, progress: &Progress) -> Result<Aws, Error> {
    progress.show_bar();
    connect_with(settings.connect_options(), settings.can_ask, progress).await
}

/// Connects to AWS. If an MFA code is missing and there is a terminal, asks for the code before the first request.
pub(crate) async fn connect_with(mut access: ConnectOptions, can_ask: bool, progress: &Progress) -> Result<Aws, Error> {
    match with_notice(&access, progress).await {
        Err(ConnectError::MfaTokenMissing { serial }) if can_ask => {
            access.mfa.token = Some(ask(&serial, progress).await?);
            Ok(with_notice(&access, progress).await?)
        }
        other => Ok(other?),
    }
}

/// Connects to AWS. If a `credential_process` provides the credentials, the progress display is removed until AWS is connected,
/// because the program might use the terminal. If this takes long, a line says what the command waits for.
async fn with_notice(access: &ConnectOptions, progress: &Progress) -> Result<Aws, ConnectError> {
    let mut connected = Box::pin(Aws::connect(access));
    let Some(profile) = access.process_profile()? else { return connected.await };
    progress.finish();
    let connected = tokio::select! {
        connected = &mut connected => connected,
        () = tokio::time::sleep(NOTICE_AFTER) => {
            let message = format!("waiting for the credential_process of profile {profile}");
            progress.log(&LogLine::new(Level::Info, "waiting", &message, serde_json::json!({})));
            connected.await
        }
    };
    progress.show_bar();
    connected
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
