//! The `v2token` program: parse, run, exit code.

use std::process::ExitCode;

use v2token::Invocation;

/// A call makes some 350 allocations, and the system's allocator locks for each of them as soon as there is a second thread
/// (`docs/decisions/cost.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    v2token::program(Invocation::from_process()).into()
}
