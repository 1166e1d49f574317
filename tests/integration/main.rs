//! The built program against the simulated organization and against moto. One binary, because linking is slow.

mod crash;
mod credentials;
mod documents;
mod faults;
mod gateway;
mod harness;
mod listing;
mod main_job;
mod moto;
mod output;
mod pace;
mod proxy;
mod questions;
mod refusals;
mod secrets;
mod signals;
mod throttles;
