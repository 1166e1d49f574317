//! What the server's tasks and the handle share: the world behind a lock, and the load counters.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::answer::Answer;
use crate::network::Service;
use crate::request::Call;
use crate::truth::Truth;
use crate::world::World;

#[derive(Debug)]
pub(crate) struct Shared {
    world: Mutex<World>,
    connections: AtomicU64,
    all: Load,
    services: [Load; Service::ALL.len()],
    log: bool,
}

#[derive(Debug, Default)]
struct Load {
    now: AtomicU32,
    peak: AtomicU32,
}

impl Load {
    fn rise(&self) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        self.peak.fetch_max(now, Ordering::Relaxed);
    }

    fn fall(&self) {
        self.now.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request that is being answered. It is counted until this guard is dropped.
pub(crate) struct InFlight<'a> {
    shared: &'a Shared,
    service: Service,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.shared.all.fall();
        self.shared.services[self.service as usize].fall();
    }
}

impl Shared {
    pub fn new(world: World, log: bool) -> Self {
        Self {
            world: Mutex::new(world),
            connections: AtomicU64::new(0),
            all: Load::default(),
            services: Default::default(),
            log,
        }
    }

    /// Locks the world. A test that panics while it holds the lock must not break the server.
    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn connection_accepted(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub fn enter(&self, service: Service) -> InFlight<'_> {
        self.all.rise();
        self.services[service as usize].rise();
        InFlight { shared: self, service }
    }

    pub fn truth(&self) -> Truth {
        let mut truth = self.world().truth();
        truth.connections_accepted = self.connections.load(Ordering::Relaxed);
        truth.max_concurrent_requests = self.all.peak.load(Ordering::Relaxed);
        truth.max_concurrent_by_service = Service::ALL
            .into_iter()
            .map(|service| (service, self.services[service as usize].peak.load(Ordering::Relaxed)))
            .collect();
        truth
    }

    /// Writes a line to standard error if logging is on. The line never contains a part of a body, because bodies contain
    /// secrets.
    pub fn log(&self, call: &Call, answer: &Answer) {
        if self.log {
            let operation = call.operation.map_or("unknown operation", crate::request::Operation::name);
            eprintln!("{operation} {} {:?} {}", answer.status, answer.delivery, answer.request_id);
        }
    }
}
