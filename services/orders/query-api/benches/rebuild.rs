//! Measures how long it takes to rebuild and promote a read model, and the effect on the latency of commands and
//! queries. `make reads` starts the servers and prints the figures. `FOLDLINE_BENCH_ORDERS` and `FOLDLINE_BENCH_EVENTS`
//! set the size of the log, and `FOLDLINE_BENCH_RATE` the number of commands per second.

#![allow(clippy::disallowed_methods, reason = "a benchmark may block its threads")]

#[path = "support/load.rs"]
mod load;
#[path = "support/order.rs"]
mod order;
#[path = "support/samples.rs"]
mod samples;

use std::time::{Duration, Instant};

use test_kit::{LogWriter, Service, TestEnvironment, record_figure, setting, until_applied, write_log};
use tokio::time::sleep;

use crate::samples::samples;

const PARTITIONS: i32 = 8;
const SHARDS: i32 = 2;
const REBUILD: &str = "projections rebuild orders --promote --yes";
/// How long latencies are measured before the rebuild, and for each line during the rebuild.
const PERIOD: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() {
    let orders = setting("FOLDLINE_BENCH_ORDERS", 1_000_000);
    // A multiple of the number of partitions.
    let events = setting("FOLDLINE_BENCH_EVENTS", 10_000_000) / 8 * 8;
    let rate = setting("FOLDLINE_BENCH_RATE", 250);
    let environment = TestEnvironment::prepared();
    write(&environment, orders, events).await;
    // Not `ready`: with a log of this length, that takes too long.
    let projector = Service::projector(&environment, "orders");
    let (_, took) =
        until_applied(&environment, "orders_read", &["orders", "journal", "customer_totals"], events).await;
    println!("\n{orders} orders, {events} events; all three projections have caught up in {took:.1?}");
    let commands = Service::command_api(&environment, "orders");
    let queries = Service::query_api(&environment, "orders").ready().await;
    // The command API first folds the whole log.
    while !commands.is_ready().await {
        sleep(Duration::from_millis(100)).await;
    }
    drop(load::run(&commands.url, &queries.url, rate, PERIOD).await);
    println!("\nbefore the rebuild, {rate} commands a second, in milliseconds");
    load::run(&commands.url, &queries.url, rate, PERIOD).await.print();
    let rebuild = tokio::task::spawn_blocking(move || rebuild(&environment));
    println!("\nwhile it is rebuilt and promoted");
    while !rebuild.is_finished() {
        load::run(&commands.url, &queries.url, rate, PERIOD).await.print();
    }
    let took = rebuild.await.expect("the rebuild does not panic");
    let speed = events as f64 / took.as_secs_f64();
    println!("\nrebuilt and promoted in {took:.1?}: {speed:.0} events a second");
    record_figure("rebuild.rate", speed);
    drop(projector);
}

/// Runs the rebuild, and returns how long it took including the promotion.
fn rebuild(environment: &TestEnvironment) -> Duration {
    let started = Instant::now();
    environment.foldline(REBUILD);
    started.elapsed()
}

async fn write(environment: &TestEnvironment, orders: u64, events: u64) {
    let samples = samples().await;
    let [orders, events] = [orders, events].map(|count| usize::try_from(count).expect("the number fits"));
    let mut writers = LogWriter::all(environment, "orders", PARTITIONS, SHARDS, orders);
    let writing = tokio::task::spawn_blocking(move || write_log(&mut writers, events, &samples));
    writing.await.expect("the log can be written");
}
