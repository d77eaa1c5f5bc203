//! Measures how many commands per second the system accepts, and the processor time of each: orders are placed over
//! HTTP, with everything on this machine. `make bench` starts the servers and prints the figures.
//! `FOLDLINE_BENCH_SECONDS` sets how long each measurement lasts, and `FOLDLINE_BENCH_STREAM` the number of events of an
//! order with many events.

#![allow(clippy::disallowed_methods, reason = "a benchmark may block its threads")]

#[path = "support/client.rs"]
mod client;
#[path = "support/limits.rs"]
mod limits;
#[path = "support/load.rs"]
mod load;

use std::time::Duration;

use client::place_streams;
use load::{Load, Report, Work};
use test_kit::{
    Processes, Service, TestEnvironment, processor_time, record_figure, setting, threads_and_switches,
    until_applied,
};

/// The warm-up of new services, which is not counted: rounds of this length, until the rate no longer grows by
/// [`GROWTH`]. The servers are warm already.
const WARM_UP_ROUND: Duration = Duration::from_secs(5);
/// The least and the most rounds.
const WARM_UP_ROUNDS: (usize, usize) = (3, 12);
const GROWTH: f64 = 1.05;
const PROJECTIONS: [&str; 3] = ["orders", "journal", "customer_totals"];
/// The numbers of concurrent requests.
const CONNECTIONS: [usize; 4] = [16, 64, 256, 512];
/// The number of concurrent requests under overload, about as many as a service accepts: with fewer, what cannot be
/// answered in time waits in the client.
const OVERLOADED: usize = 1_000;
/// The number of orders with many events, each changed on a connection of its own.
const STREAMS: usize = 64;

#[tokio::main]
async fn main() {
    let duration = Duration::from_secs(setting("FOLDLINE_BENCH_SECONDS", 8));
    record_figure("seconds", duration.as_secs_f64());
    with_every_projection(duration).await;
    limits(duration).await;
    for instances in [1, 2] {
        without_read_side(instances, duration).await;
    }
}

/// The system as users see it: every projection of the example is live and keeps up.
async fn with_every_projection(duration: Duration) {
    let environment = environment(1);
    let commands = Service::command_api(&environment, "orders").ready().await;
    let projector = Service::projector(&environment, "orders").ready().await;
    let parts = [
        ("client", Processes::Process(std::process::id())),
        ("command API", Processes::Process(commands.pid())),
        ("Kafka", Processes::Server("kafka")),
        ("projector", Processes::Process(projector.pid())),
        ("Postgres", Processes::Server("postgres")),
    ];
    let addresses = [commands.url.trim_start_matches("http://").to_owned()];
    // Each order is one event.
    let mut placed = warm_up(&addresses, 64).await;
    println!(
        "\nwith every projection live, {duration:?} each, orders placed; processor time in µs a command"
    );
    for connections in CONNECTIONS {
        let before = parts.map(|(_, part)| processor_time(part));
        let (_, switches_before) = threads_and_switches(commands.pid());
        let report = Load::place(connections, duration).run(&addresses).await;
        let (threads, switches) = threads_and_switches(commands.pid());
        placed += report.accepted.len() as u64;
        let (_, lag) = until_applied(&environment, "orders_read", &PROJECTIONS, placed).await;
        report.print(&format!("{connections} connections"));
        record(&connections.to_string(), &report);
        let mut all = 0.0;
        for ((name, part), before) in parts.iter().zip(before) {
            let micros = micros(processor_time(*part).saturating_sub(before), &report);
            print!("  {name} {micros:.0}");
            record_figure(&format!("{connections}.cpu.{}", name.replace(' ', "-")), micros);
            all += micros;
        }
        record_figure(&format!("{connections}.cpu.all"), all);
        let switches = (switches - switches_before) as f64 / report.accepted.len() as f64;
        println!("  threads {threads}  switches {switches:.1}  projections caught up {lag:.1?} later");
        record_figure(&format!("{connections}.threads"), threads as f64);
        record_figure(&format!("{connections}.switches"), switches);
    }
    let events = usize::try_from(setting("FOLDLINE_BENCH_STREAM", 1_000)).expect("the number fits");
    let orders = place_streams(&addresses[0], STREAMS, events).await;
    let load = Load { work: Work::ChangeAddress(&orders), ..Load::place(STREAMS, duration) };
    let report = load.run(&addresses).await;
    report.print(&format!("{STREAMS} connections, orders with {events} events"));
    record("streams", &report);
}

/// The same client, and servers that do only what cannot be avoided.
async fn limits(duration: Duration) {
    println!("\nlimits of this machine, {duration:?} each");
    let route = Load::place(512, duration).run(&[limits::empty_route().await]).await;
    route.print("a route that only parses, 512 connections");
    record("route", &route);
    let log = [limits::bare_log(&TestEnvironment::empty()).await];
    Load::place(64, WARM_UP_ROUND).run(&log).await;
    for connections in CONNECTIONS {
        let report = Load::place(connections, duration).run(&log).await;
        report.print(&format!("a route and the log alone, {connections} connections"));
        record(&format!("bare-log.{connections}"), &report);
    }
}

/// Returns how many orders were placed.
async fn warm_up(addresses: &[String], connections: usize) -> u64 {
    let (mut placed, mut best) = (0, 0.0_f64);
    for round in 1..=WARM_UP_ROUNDS.1 {
        let report = Load::place(connections, WARM_UP_ROUND).run(addresses).await;
        placed += report.accepted.len() as u64;
        if round >= WARM_UP_ROUNDS.0 && report.rate() < best * GROWTH {
            break;
        }
        best = best.max(report.rate());
    }
    placed
}

/// As many shards as instances, so that each instance writes.
fn environment(shards: i32) -> TestEnvironment {
    TestEnvironment::empty().with_shards(shards).prepare()
}

/// Records the rate and the latencies for the report.
fn record(name: &str, report: &Report) {
    record_figure(&format!("{name}.rate"), report.rate());
    for (quantile, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        record_figure(&format!("{name}.{quantile}"), report.quantile(share));
    }
}

fn micros(time: Duration, report: &Report) -> f64 {
    time.as_secs_f64() * 1e6 / report.accepted.len() as f64
}

/// The write side alone, with one or several instances.
async fn without_read_side(instances: usize, duration: Duration) {
    let environment = environment(i32::try_from(instances).expect("there are few"));
    let mut services = Vec::new();
    for _ in 0..instances {
        services.push(Service::command_api(&environment, "orders").ready().await);
    }
    let addresses: Vec<_> =
        services.iter().map(|service| service.url.trim_start_matches("http://").to_owned()).collect();
    let most = Load::place(512, duration);
    println!("\n{instances} instance(s), no projector, {} connections, {duration:?} each", most.connections);
    warm_up(&addresses, most.connections).await;
    let maximum = most.run(&addresses).await;
    let at = |share: f64| Load { rate: Some(maximum.rate() * share), ..most };
    let half = at(0.5).run(&addresses).await;
    let overload = Load { connections: OVERLOADED, ..at(1.5) }.run(&addresses).await;
    for (report, what, name) in [
        (&maximum, "as many as possible", "maximum"),
        (&half, "at half of that, from the intended start", "half"),
        (&overload, "at one and a half times that", "overload"),
    ] {
        report.print(what);
        if instances == 1 {
            record(name, report);
        }
    }
}
