//! The read side of orders while everything around it fails: every answer that its sessions get is held against the
//! log, and so are the rows in the end. See docs/faults.md.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod answers;
mod chaos;
mod database;
mod fault_run;
mod fold;
mod log;
#[path = "../journey/model.rs"]
mod model;
mod operator;
mod poison;
mod recorder;
mod requests;
mod runs;
mod session;
mod stage;
mod summary;
mod tables;
