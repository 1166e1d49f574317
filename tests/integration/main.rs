//! The built program against the simulated organization and against moto. One binary, because linking is slow.

mod crash;
mod credentials;
mod disk;
mod documents;
mod doubt;
mod faults;
mod gateway;
mod harness;
mod listing;
mod main_job;
mod moto;
mod output;
mod pace;
mod plans;
mod proxy;
mod questions;
mod refusals;
mod resume;
mod rollback;
mod running;
mod secrets;
mod signals;
mod stops;
mod throttles;
mod tokens;
mod waves;
