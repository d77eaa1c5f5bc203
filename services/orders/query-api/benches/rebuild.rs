//! How long it takes to rebuild a read model and to put it in the place of the live one, and what commands and queries
//! feel of it. `make reads` starts the servers and prints the figures; `FOLDLINE_BENCH_ORDERS`, `FOLDLINE_BENCH_EVENTS`
//! and `FOLDLINE_BENCH_RATE` (commands a second meanwhile) say how much there is.

#![allow(clippy::disallowed_methods, reason = "nothing else waits for its threads")]

#[path = "support/journey.rs"]
mod journey;
#[path = "support/order.rs"]
mod order;
#[path = "support/samples.rs"]
mod samples;

use std::time::{Duration, Instant};

use test_kit::{LogWriter, Service, TestEnvironment, setting, until_applied, write_log};
use tokio::time::sleep;

use crate::samples::samples;

const PARTITIONS: i32 = 8;
const SHARDS: i32 = 2;
const REBUILD: &str = "projections rebuild orders --promote --yes";
/// How long commands and queries are watched before the rebuild, and at a time meanwhile.
const WATCH: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() {
    let orders = setting("FOLDLINE_BENCH_ORDERS", 1_000_000);
    // Every partition gets as many.
    let events = setting("FOLDLINE_BENCH_EVENTS", 10_000_000) / 8 * 8;
    let rate = setting("FOLDLINE_BENCH_RATE", 250);
    let environment = TestEnvironment::prepared();
    write(&environment, orders, events).await;
    // It says that it is ready when it has come to something in every partition, which takes long.
    let projector = Service::projector(&environment, "orders");
    let (_, took) =
        until_applied(&environment, "orders_read", &["orders", "journal", "customer_totals"], events).await;
    println!("\n{orders} orders, {events} events; all three projections have caught up in {took:.1?}");
    let commands = Service::command_api(&environment, "orders");
    let queries = Service::query_api(&environment, "orders").ready().await;
    // It folds the whole log first.
    while !commands.is_ready().await {
        sleep(Duration::from_millis(100)).await;
    }
    drop(journey::run(&commands.url, &queries.url, rate, WATCH).await);
    println!("\nbefore the rebuild, {rate} commands a second, in milliseconds");
    journey::run(&commands.url, &queries.url, rate, WATCH).await.print();
    let rebuild = tokio::task::spawn_blocking(move || rebuild(&environment));
    println!("\nwhile it is rebuilt and promoted");
    while !rebuild.is_finished() {
        journey::run(&commands.url, &queries.url, rate, WATCH).await.print();
    }
    let took = rebuild.await.expect("the rebuild does not panic");
    let speed = events as f64 / took.as_secs_f64();
    println!("\nrebuilt and promoted in {took:.1?}: {speed:.0} events a second");
    drop(projector);
}

/// From the command to the end of the promotion.
fn rebuild(environment: &TestEnvironment) -> Duration {
    let started = Instant::now();
    environment.foldline(REBUILD);
    started.elapsed()
}

async fn write(environment: &TestEnvironment, orders: u64, events: u64) {
    let samples = samples().await;
    let [orders, events] = [orders, events].map(|count| usize::try_from(count).expect("it fits"));
    let mut writers = LogWriter::all(environment, "orders", PARTITIONS, SHARDS, orders);
    let writing = tokio::task::spawn_blocking(move || write_log(&mut writers, events, &samples));
    writing.await.expect("the log can be written");
}
