//! The handle of a running organization.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::runtime;
use tokio::sync::oneshot;

use crate::builder::Builder;
use crate::credentials::Credentials;
use crate::server;
use crate::shared::Shared;
use crate::truth::Truth;
use crate::world::World;

/// A running simulated organization. Dropping it stops the server and breaks its connections.
#[derive(Debug)]
pub struct Organization {
    address: SocketAddr,
    region: String,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Organization {
    /// Returns a builder for an organization.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn run(world: World, region: String, port: u16, log: bool) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let shared = Arc::new(Shared::new(world, log));
        let served = Arc::clone(&shared);
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("simulator".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener)
                    .expect("a listener that does not block can be registered");
                server::serve(listener, served, stopped).await;
            });
        })?;
        Ok(Self { address, region, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// The address for `AWS_ENDPOINT_URL`, e.g. `http://127.0.0.1:4711`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The environment variables with which an AWS client calls only this organization.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let Credentials { access_key_id, secret_access_key, session_token } = self.shared.world().base_credentials();
        let mut variables = vec![
            ("AWS_ENDPOINT_URL", self.endpoint()),
            ("AWS_ACCESS_KEY_ID", access_key_id),
            ("AWS_SECRET_ACCESS_KEY", secret_access_key),
            ("AWS_REGION", self.region.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            // These files do not exist, so the developer's own profiles have no influence.
            ("AWS_CONFIG_FILE", "/nonexistent/v2token-simulator/config".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/v2token-simulator/credentials".to_owned()),
        ];
        if let Some(token) = session_token {
            variables.push(("AWS_SESSION_TOKEN", token));
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Changes the world between two requests, and returns the closure's result.
    pub fn control<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(&mut self.shared.world())
    }

    /// A snapshot of the ground truth so far.
    #[must_use]
    pub fn truth(&self) -> Truth {
        self.shared.truth()
    }
}

impl Drop for Organization {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // If the server has ended already, there is no receiver.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
