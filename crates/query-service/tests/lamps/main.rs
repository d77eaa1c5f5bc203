//! The query API of a small context with two kinds of aggregates, on a real Postgres: lamps, which are installed and
//! switched on, and switches, which are mounted.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

mod changes;
mod documents;
mod lists;
mod queries;
mod several_aggregates;
mod stream;
mod test_api;
mod time_travel;
mod tokens;
