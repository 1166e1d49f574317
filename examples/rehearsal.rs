//! The main job, rehearsed: a plan and an apply by the real program over a simulated organization of 200 accounts, some of which
//! refuse. No AWS, no credentials, nothing leaves this machine.
//!
//! ```console
//! $ cargo run --release --example rehearsal
//! ```
//!
//! Started with arguments, the example is the program itself; that is how it starts the program as a process of its own.

use std::io::{self, Write as _};
use std::process::{Command, ExitCode, ExitStatus};

use v2token::{cli::Typed, commands};
use v2token_simulator::Organization;

fn main() -> io::Result<ExitCode> {
    if std::env::args_os().len() > 1 {
        return Ok(commands::program(Typed::from_process()).into());
    }
    let organization = Organization::builder().accounts(200).realistic(true).start();
    let folder = std::env::temp_dir().join(format!("v2token-rehearsal-{}", std::process::id()));

    step("1. What would apply change? A plan only reads.")?;
    let plan = folder.join("plan");
    v2token(&organization, &["plan", "--run-dir", &plan.to_string_lossy()])?;

    step("2. Change it: one account first, then a tenth, then all.")?;
    let apply = folder.join("apply");
    let ended = v2token(&organization, &["apply", "--yes", "--run-dir", &apply.to_string_lossy()])?;

    let code = u8::try_from(ended.code().unwrap_or(1)).unwrap_or(1);
    step(&format!(
        "The program ended with exit code {code}: 3 means that some accounts failed, as they were meant to here."
    ))?;
    say(&format!("Look at the report:  column -s, -t < {}/report.csv | less -S", apply.display()))?;
    Ok(code.into())
}

/// Runs the program with the simulated organization in place of AWS.
fn v2token(organization: &Organization, arguments: &[&str]) -> io::Result<ExitStatus> {
    say(&format!("$ v2token {}\n", arguments.join(" ")))?;
    Command::new(std::env::current_exe()?).args(arguments).envs(organization.environment()).status()
}

fn step(title: &str) -> io::Result<()> {
    say(&format!("\n=== {title}\n"))
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}
