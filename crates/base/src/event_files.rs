//! Reads CloudTrail's events from files, folders, and stdin, in bounded memory and on several cores.

mod batch;
pub mod export;
#[cfg(any(test, fuzzing, feature = "testing"))]
pub mod fuzzing;
mod location;
mod prefilter;
mod reader;
mod split;
mod stream;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use self::reader::Reader;
use self::stream::Input;
use self::walk::{Found, Walk};

pub use self::batch::{Batch, Damage, Traits};
pub use self::reader::Counters;

/// How many files wait for a thread.
const QUEUE: usize = 64;

/// How many parts wait to be added up.
const PARTS: usize = 16;

/// The most threads that read. Each takes some 300 KiB, and more while it reads a large event.
const MAX_THREADS: usize = 8;

/// Reads all events in these files and folders; `-` is stdin. `add` gets the parts of what was read, in no order.
pub fn read(paths: &[PathBuf], with_addresses: bool, counters: &Counters, mut add: impl FnMut(Batch)) {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
    let (inputs, files) = sync_channel::<Input>(QUEUE);
    let (parts, read) = sync_channel::<Batch>(PARTS);
    let files = Mutex::new(files);
    thread::scope(|scope| {
        let walker = parts.clone();
        scope.spawn(move || find(paths, &inputs, &walker));
        for _ in 0..threads {
            let (parts, files) = (parts.clone(), &files);
            scope.spawn(move || {
                // If nobody takes the parts any more, the program is about to end.
                let pass_on = |batch| drop(parts.send(batch));
                let mut reader = Reader::new(with_addresses, counters, pass_on);
                while let Some(input) = next(files) {
                    reader.read(&input);
                }
            });
        }
        drop(parts);
        read.iter().for_each(&mut add);
    });
}

/// Adds up the sizes of all files. Returns whether they are known: that of stdin is not, and after `is_done` no further file is looked
/// at.
pub fn add_sizes(paths: &[PathBuf], total: &AtomicU64, is_done: &AtomicBool) -> bool {
    let add = |path: &Path| {
        let size = path.metadata().map_or(0, |metadata| metadata.len());
        total.fetch_add(size, Ordering::Relaxed);
    };
    for path in paths {
        if path == Path::new("-") {
            return false;
        }
        if !path.is_dir() {
            add(path);
            continue;
        }
        for found in Walk::new(path) {
            if is_done.load(Ordering::Relaxed) {
                return false;
            }
            if let Found::File(path) = found {
                add(&path);
            }
        }
    }
    true
}

fn next(files: &Mutex<Receiver<Input>>) -> Option<Input> {
    files.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Passes on the files, and tells what can't be read.
fn find(paths: &[PathBuf], inputs: &SyncSender<Input>, parts: &SyncSender<Batch>) {
    for path in paths {
        if path == Path::new("-") {
            drop(inputs.send(Input::Stdin));
        } else if path.is_dir() {
            for found in Walk::new(path) {
                match found {
                    Found::File(path) => drop(inputs.send(Input::File(path))),
                    Found::Ignored => drop(parts.send(Batch { ignored: 1, ..Batch::default() })),
                    Found::Problem(path, cause) => {
                        let damage = Damage { path, cause, account: None, matters: true };
                        drop(parts.send(Batch { damage: Some(damage), ..Batch::default() }));
                    }
                }
            }
        } else {
            drop(inputs.send(Input::File(path.clone())));
        }
    }
}
