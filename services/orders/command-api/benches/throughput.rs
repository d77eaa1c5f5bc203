//! Measures how many commands per second the system accepts, and the processor time of each: orders are placed over
//! HTTP, with everything on this machine. `make bench` starts the servers and prints the figures.

#[path = "support/load.rs"]
mod load;

use std::time::Duration;

use load::{Report, run};
use test_kit::{Processes, Service, TestEnvironment, processor_time, threads_and_switches, until_applied};

/// How long each measurement lasts.
const DURATION: Duration = Duration::from_secs(10);
/// The warm-up is not counted, because the broker's JVM compiles its code: rounds of this length, until the rate no longer
/// grows by [`GROWTH`].
const WARM_UP_ROUND: Duration = Duration::from_secs(5);
/// The least and the most rounds.
const WARM_UP_ROUNDS: (usize, usize) = (3, 12);
const GROWTH: f64 = 1.05;
const PROJECTIONS: [&str; 3] = ["orders", "journal", "customer_totals"];
/// The number of concurrent requests in the measurements without a read side.
const CONNECTIONS: usize = 512;

#[tokio::main]
async fn main() {
    with_every_projection().await;
    for instances in [1, 2] {
        without_read_side(instances).await;
    }
}

/// The system as users see it: every projection of the example is live and keeps up.
async fn with_every_projection() {
    let environment = TestEnvironment::prepared();
    let commands = Service::command_api(&environment, "orders").ready().await;
    let projector = Service::projector(&environment, "orders").ready().await;
    let parts = [
        ("client", Processes::Process(std::process::id())),
        ("command API", Processes::Process(commands.pid())),
        ("Kafka", Processes::CommandLine("kafka.Kafka")),
        ("projector", Processes::Process(projector.pid())),
        ("Postgres", Processes::Program("postgres")),
    ];
    let addresses = [commands.url.trim_start_matches("http://").to_owned()];
    // Each order is one event.
    let mut placed = warm_up(&addresses, 64).await;
    println!(
        "\nwith every projection live, {DURATION:?} each, orders placed; processor time in µs a command"
    );
    for connections in [16, 64, 256, 512] {
        let before = parts.map(|(_, part)| processor_time(part));
        let (_, switches_before) = threads_and_switches(commands.pid());
        let report = run(&addresses, connections, None, DURATION).await;
        let (threads, switches) = threads_and_switches(commands.pid());
        placed += report.accepted.len() as u64;
        let (_, lag) = until_applied(&environment, "orders_read", &PROJECTIONS, placed).await;
        report.print(&format!("{connections} connections"));
        for ((name, part), before) in parts.iter().zip(before) {
            print!("  {name} {:.0}", micros(processor_time(*part).saturating_sub(before), &report));
        }
        let switches = (switches - switches_before) as f64 / report.accepted.len() as f64;
        println!("  threads {threads}  switches {switches:.1}  projections caught up {lag:.1?} later");
    }
}

/// Returns how many orders were placed.
async fn warm_up(addresses: &[String], connections: usize) -> u64 {
    let (mut placed, mut best) = (0, 0.0_f64);
    for round in 1..=WARM_UP_ROUNDS.1 {
        let report = run(addresses, connections, None, WARM_UP_ROUND).await;
        placed += report.accepted.len() as u64;
        if round >= WARM_UP_ROUNDS.0 && report.rate() < best * GROWTH {
            break;
        }
        best = best.max(report.rate());
    }
    placed
}

fn micros(time: Duration, report: &Report) -> f64 {
    time.as_secs_f64() * 1e6 / report.accepted.len() as f64
}

/// The write side alone, with one or several instances.
async fn without_read_side(instances: usize) {
    let environment = TestEnvironment::prepared();
    let mut services = Vec::new();
    for _ in 0..instances {
        services.push(Service::command_api(&environment, "orders").ready().await);
    }
    let addresses: Vec<_> =
        services.iter().map(|service| service.url.trim_start_matches("http://").to_owned()).collect();
    println!("\n{instances} instance(s), no projector, {CONNECTIONS} connections, {DURATION:?} each");
    warm_up(&addresses, CONNECTIONS).await;
    let maximum = run(&addresses, CONNECTIONS, None, DURATION).await;
    maximum.print("as many as possible");
    let half = maximum.rate() / 2.0;
    run(&addresses, CONNECTIONS, Some(half), DURATION)
        .await
        .print("at half of that, from the intended start");
    let overload = run(&addresses, CONNECTIONS, Some(maximum.rate() * 1.5), DURATION).await;
    overload.print("at one and a half times that");
}
