//! Fault tests of the command API of orders: every answer to its clients is checked against the log. See
//! docs/faults.md.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod chaos;
mod command;
mod fault_run;
mod instances;
mod log;
mod order_rules;
mod outages;
mod recorder;
mod runs;
mod servers;
mod summary;
mod unknown_outcomes;
mod workload;
