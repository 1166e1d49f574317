//! The built program against the simulated organization and against moto. One binary, because linking is slow.

mod harness;
mod main_job;
mod moto;
