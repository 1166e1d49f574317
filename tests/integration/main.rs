//! The built program against the simulated organization and against moto. One binary, because linking is slow.

mod faults;
mod harness;
mod listing;
mod main_job;
mod moto;
mod refusals;
