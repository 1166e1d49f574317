//! The main job, rehearsed: the real program over a simulated organization of 200 accounts, some of which refuse. A plan, an
//! apply of that plan which is interrupted, its resumption, and its undoing. No AWS, no credentials, nothing leaves this machine.
//!
//! ```console
//! $ cargo run --example rehearsal
//! ```
//!
//! Started with arguments, the example is the program itself; that is how it starts the program as a process of its own.

#![forbid(unsafe_code)]
#![warn(clippy::pedantic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

use std::io::{self, Write as _};
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::Duration;

use v2token::{Invocation, program};
use v2token_simulator::{Latency, Operation, Organization, TokenVersion};

fn main() -> io::Result<ExitCode> {
    if std::env::args_os().len() > 1 {
        return Ok(program(Invocation::from_process()).into());
    }
    let latency = Latency { organizations: ms(40), sts: ms(40), iam: ms(60) };
    let organization = Organization::builder().accounts(200).realistic(true).latency(latency).start();
    let folder = std::env::temp_dir().join(format!("v2token-rehearsal-{}", std::process::id()));
    let [plan, apply, undo] = ["plan", "apply", "rollback"].map(|name| folder.join(name).display().to_string());

    step("1. What would apply change? A plan only reads.")?;
    v2token(&organization, &["plan", "--run-dir", &plan])?;

    step("2. Apply that plan: one account first, then a tenth, then all. In the midst of it someone presses Ctrl-C.")?;
    let mut running = start(&organization, &["apply", "--plan", &plan, "--yes", "--bake", "0s", "--run-dir", &apply])?;
    while organization.truth().requests(Operation::SetSecurityTokenServicePreferences) < 60
        && running.try_wait()?.is_none()
    {
        std::thread::sleep(ms(5));
    }
    Command::new("kill").args(["-INT", &running.id().to_string()]).status()?;
    say(&format!("\n(the program ended with {})", running.wait()?))?;

    step("3. Go on where it stopped.")?;
    let ended = v2token(&organization, &["resume", &apply, "--yes"])?;
    let on_v2 = organization.truth().with_version(TokenVersion::V2);
    say(&format!("\n(the simulated organization itself counts {on_v2} accounts on v2Token)"))?;

    step("4. Put back what that run changed, and only that.")?;
    v2token(&organization, &["rollback", &apply, "--yes", "--bake", "0s", "--output", "none", "--run-dir", &undo])?;
    let on_v1 = organization.truth().with_version(TokenVersion::V1);
    say(&format!("\n(the simulated organization itself counts {on_v1} accounts on v1Token)"))?;

    let code = u8::try_from(ended.code().unwrap_or(1)).unwrap_or(1);
    step("Look at the report")?;
    say(&format!("$ v2token report {apply} --output csv\nor open {apply}/report.csv\n"))?;
    say(&format!(
        "Exit code {code}, that of the apply: 3 means that some accounts failed, as they were meant to here."
    ))?;
    Ok(code.into())
}

/// Runs the program with the simulated organization in place of AWS.
fn v2token(organization: &Organization, arguments: &[&str]) -> io::Result<ExitStatus> {
    start(organization, arguments)?.wait()
}

fn start(organization: &Organization, arguments: &[&str]) -> io::Result<Child> {
    say(&format!("$ v2token {}\n", arguments.join(" ")))?;
    Command::new(std::env::current_exe()?).args(arguments).envs(organization.environment()).spawn()
}

fn step(title: &str) -> io::Result<()> {
    say(&format!("\n=== {title}\n"))
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
