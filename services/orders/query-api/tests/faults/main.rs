//! Fault tests of the read side of orders: every answer to its sessions is checked against the log, and the final rows
//! too. See docs/faults.md.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod answers;
mod chaos;
mod database;
mod fault_run;
mod fold;
mod log;
#[path = "../end_to_end/model.rs"]
mod model;
mod operator;
mod poison;
mod recorder;
mod requests;
mod runs;
mod services;
mod session;
mod summary;
mod tables;
