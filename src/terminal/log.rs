//! This module owns log lines: what `--debug` shows, and nothing of what the SDK would log.
//!
//! Only this crate's own events are let through, at any verbosity and whatever `RUST_LOG` says: at trace level the SDK
//! logs request bodies, and with them external ids and MFA codes.

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::{filter::Targets, registry};

/// Starts logging to `to` when `debug` is asked for.
pub(crate) fn start<W>(debug: bool, json: bool, color: bool, to: W)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    if !debug {
        return;
    }
    let subscriber: Box<dyn Subscriber + Send + Sync> = if json {
        let layer = tracing_subscriber::fmt::layer().json().flatten_event(true).with_target(false).with_writer(to);
        Box::new(registry().with(layer.with_filter(only_ours())))
    } else {
        let layer = tracing_subscriber::fmt::layer().with_ansi(color).with_target(false).with_writer(to);
        Box::new(registry().with(layer.with_filter(only_ours())))
    };
    // It fails when a subscriber is set already, as a program that uses the library may have done: then that one stays.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

fn only_ours() -> Targets {
    Targets::new().with_target(env!("CARGO_CRATE_NAME"), tracing::Level::DEBUG)
}
