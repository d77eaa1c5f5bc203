//! The check of a history finds no violation in a valid history, and finds every planted error.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod planted;
mod register;
mod valid;
