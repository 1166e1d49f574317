//! The `v2token` program: parse, run, exit code.

use clap::Parser as _;
use v2token::{cli::Cli, commands::dispatch};

fn main() {
    let cli = Cli::parse();
    // One thread is enough: the work is waiting, and a second one makes each visit dearer.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system gives a process its timers and its poll");
    let exit_code = runtime.block_on(dispatch(cli));
    // A thread that still waits for the terminal or for a name's address must not hold up the end.
    runtime.shutdown_background();
    std::process::exit(exit_code.into());
}
