//! The check of what sessions read finds nothing in a good history, and finds every error that is planted in it.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod good;
mod planted;
