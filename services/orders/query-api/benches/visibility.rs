//! Measures how soon a write is visible: the time from when a command is due to its response, and from there to the
//! response of a query with its token, while commands are sent at a steady rate. `make reads` starts the servers and
//! prints the figures. `FOLDLINE_BENCH_RATE` sets the commands per second (250 keep two cores half busy), and
//! `FOLDLINE_BENCH_SECONDS` the duration.

#[path = "support/load.rs"]
mod load;
#[path = "support/order.rs"]
mod order;

use std::time::Duration;

use test_kit::{Service, TestEnvironment, record_figure, setting};

/// How long the warm-up lasts, which is not counted: the broker's JVM compiles its code.
const WARM_UP: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() {
    let rate = setting("FOLDLINE_BENCH_RATE", 250);
    let time = Duration::from_secs(setting("FOLDLINE_BENCH_SECONDS", 20));
    let environment = TestEnvironment::prepared();
    let commands = Service::command_api(&environment, "orders").ready().await;
    let _projector = Service::projector(&environment, "orders").ready().await;
    let queries = Service::query_api(&environment, "orders").ready().await;
    drop(load::run(&commands.url, &queries.url, rate, WARM_UP).await);
    println!("\n{rate} orders a second for {time:?}, each then asked for with its token, in milliseconds");
    let report = load::run(&commands.url, &queries.url, rate, time).await;
    report.print();
    for (name, percent) in [("visible.p50", 50), ("visible.p99", 99)] {
        record_figure(name, load::percentile(&report.visible, percent));
    }
}
