//! The `v2token` program: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser as _;
use v2token::{cli::Cli, commands};

fn main() -> ExitCode {
    commands::program(Cli::parse()).into()
}
