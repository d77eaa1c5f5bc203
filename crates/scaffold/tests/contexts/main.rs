//! Tests of `make new-context`, `make remove-context`, `make remove-example` and `make rename` in a copy of the
//! repository.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod budget;
mod copy;
mod example;
mod files;
mod renaming;
mod running;
