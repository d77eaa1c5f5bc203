//! How soon a write is seen: from the answer of a command to the answer of the query that has its token, while commands
//! come at a steady rate, counted from when each was due. `make reads` starts the servers and prints the figures;
//! `FOLDLINE_BENCH_RATE` is the rate in commands a second (250 keep two cores half busy), `FOLDLINE_BENCH_SECONDS` how
//! long it is kept up.

#[path = "support/journey.rs"]
mod journey;
#[path = "support/order.rs"]
mod order;

use std::time::Duration;

use test_kit::{Service, TestEnvironment, setting};

/// What is not counted: the broker's own code is compiled meanwhile.
const WARM_UP: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() {
    let rate = setting("FOLDLINE_BENCH_RATE", 250);
    let time = Duration::from_secs(setting("FOLDLINE_BENCH_SECONDS", 20));
    let environment = TestEnvironment::prepared();
    let commands = Service::command_api(&environment, "orders").ready().await;
    let _projector = Service::projector(&environment, "orders").ready().await;
    let queries = Service::query_api(&environment, "orders").ready().await;
    drop(journey::run(&commands.url, &queries.url, rate, WARM_UP).await);
    println!("\n{rate} orders a second for {time:?}, each then asked for with its token, in milliseconds");
    journey::run(&commands.url, &queries.url, rate, time).await.print();
}
