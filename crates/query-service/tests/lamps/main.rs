//! The query API of a small context, on a real Postgres: lamps, which are installed and switched on.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod changes;
mod documents;
mod lists;
mod queries;
mod room;
mod time_travel;
mod tokens;
