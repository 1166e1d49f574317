//! The `v2token` program: parse, run, exit code.

use std::process::ExitCode;

use v2token::Invocation;

/// A call takes some 350 pieces of memory, and the system's allocator takes locks for them as soon as there is a second thread
/// (`docs/decisions/cost.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    v2token::program(Invocation::from_process()).into()
}
