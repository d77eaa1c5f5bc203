//! The command API of orders while everything around it fails: every answer that its clients get is held against the
//! log. See docs/faults.md.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod chaos;
mod command;
mod fault_run;
mod instances;
mod log;
mod order_rules;
mod recorder;
mod runs;
mod silence;
mod summary;
mod unknown_outcomes;
mod workload;
