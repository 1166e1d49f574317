//! The `v2token` program: parse, run, exit code.

use std::process::ExitCode;

use v2token::{cli::Typed, commands};

fn main() -> ExitCode {
    commands::program(Typed::from_process()).into()
}
