//! The bare loop with the allocator of the program. `benches/scale/main.rs` runs it, so that the allocator makes no difference.

#[path = "floor.rs"]
mod floor;

use clap::Parser;

use floor::{Choices, Failed};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// Added by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// Visits in flight; without it, nothing is done.
    concurrency: Option<usize>,
    #[command(flatten)]
    choices: Choices,
}

fn main() -> Result<(), Failed> {
    let arguments = Arguments::parse();
    arguments.concurrency.map_or(Ok(()), |concurrency| floor::run(concurrency, arguments.choices))
}
