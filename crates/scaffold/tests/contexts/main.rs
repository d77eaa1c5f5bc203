//! What `make new-context`, `make remove-context` and `make remove-example` leave behind, in a copy of the repository.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod budget;
mod copy;
mod example;
mod files;
mod renaming;
mod running;
