//! The history check finds no violation in a good history, and finds every planted error.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod good;
mod planted;
mod register;
