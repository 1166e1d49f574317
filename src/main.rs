//! The `v2token` program: it parses the arguments, runs the command, and ends with the command's exit code.

use std::process::ExitCode;

use v2token::Invocation;

/// mimalloc makes a run cheaper than the system's allocator does: a call to AWS makes some 350 allocations, and as soon as there
/// is a second thread, the system's allocator takes a lock for each allocation (`docs/decisions/cost.md`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    v2token::program(Invocation::from_process()).into()
}
