//! Compares Foldline with an order service on cqrs-es and postgres-es, both under the same client. `make bench-peers`
//! builds the peer, starts the servers, prints the figures and writes `docs/benchmarks/peers.md`.
//!
//! The systems alternate, and only one of them runs at a time. `FOLDLINE_BENCH_SECONDS` sets how long each measurement
//! lasts, `FOLDLINE_BENCH_ROUNDS` how often each is repeated, `FOLDLINE_BENCH_STREAM` the number of events of an order in
//! the last row (0: no such row), and `FOLDLINE_BENCH_PEER_POOL` the number of connections in the peer's pool.

#![allow(clippy::disallowed_methods, reason = "a benchmark may block its threads")]

#[path = "support/client.rs"]
mod client;
#[path = "support/durability.rs"]
mod durability;
#[path = "support/load.rs"]
mod load;
#[path = "support/peer_table.rs"]
mod peer_table;
#[path = "support/systems.rs"]
mod systems;

use std::time::Duration;

use client::place_streams;
use durability::Durability;
use load::{Load, Report, Work};
use peer_table::{PeerTable, Row};
use systems::{Running, System};
use test_kit::{Servers, TestEnvironment, processor_time, setting};
use uuid::Uuid;

const CONNECTIONS: [usize; 3] = [16, 64, 256];
/// The number of orders with many events. Each has a connection of its own.
const STREAMS: usize = 16;
/// How long a system is warmed up after its start. The servers are warm already.
const WARM_UP: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() {
    let plan = Plan::read();
    let mut table = PeerTable::default();
    for class in Durability::ALL {
        class.apply(&Servers::shared()).await;
        plan.compare(class, &mut table).await;
    }
    table.finish(&plan.conditions());
}

struct Plan {
    duration: Duration,
    rounds: usize,
    stream: usize,
}

/// A system in one durability class, with what earlier rounds have left in its event store.
struct Contestant {
    system: System,
    accepted: u64,
    streams: Vec<Uuid>,
}

impl Plan {
    fn read() -> Self {
        let number = |name, default| usize::try_from(setting(name, default)).expect("the number fits");
        Self {
            duration: Duration::from_secs(setting("FOLDLINE_BENCH_SECONDS", 5)),
            rounds: number("FOLDLINE_BENCH_ROUNDS", 2),
            stream: number("FOLDLINE_BENCH_STREAM", 1_000),
        }
    }

    async fn compare(&self, class: Durability, table: &mut PeerTable) {
        let environment = TestEnvironment::empty().with_shards(1).prepare();
        let mut contestants =
            System::ALL.map(|system| Contestant { system, accepted: 0, streams: Vec::new() });
        for contestant in &contestants {
            contestant.system.prepare(&environment).await;
        }
        for round in 1..=self.rounds {
            for contestant in &mut contestants {
                let system = contestant.system;
                println!("\nclass {}, {}, round {round}", class.letter(), system.name());
                let running = system.start(&environment).await;
                let warm_up = Load::place(64, WARM_UP);
                contestant.measure(&running, warm_up, "warm-up").await;
                for connections in CONNECTIONS {
                    let row = Row { class, commands: "orders placed".to_owned(), connections };
                    let load = Load::place(connections, self.duration);
                    let report = contestant.measure(&running, load, "orders placed").await;
                    table.add(row, system, &report);
                }
                self.streams(class, contestant, &running, table).await;
                let lost = system.lost_updates(&environment, contestant.accepted).await;
                println!("{} commands, updates of the read model lost: {lost}", contestant.accepted);
                table.add_lost(lost);
                running.stop().await;
            }
        }
    }

    /// Orders that have many events already.
    async fn streams(
        &self,
        class: Durability,
        contestant: &mut Contestant,
        running: &Running,
        table: &mut PeerTable,
    ) {
        if self.stream == 0 {
            return;
        }
        if contestant.streams.is_empty() {
            contestant.streams = place_streams(&running.address(), STREAMS, self.stream).await;
            contestant.accepted += (STREAMS * self.stream) as u64;
        }
        let orders = contestant.streams.clone();
        let load = Load { work: Work::ChangeAddress(&orders), ..Load::place(STREAMS, self.duration) };
        let commands = format!("changes to orders with {} events", self.stream);
        let report = contestant.measure(running, load, &commands).await;
        table.add(Row { class, commands, connections: STREAMS }, contestant.system, &report);
    }

    fn conditions(&self) -> String {
        format!(
            "Each figure is the median of {} run(s) of {:?}. The pool of cqrs-es has {} connections.",
            self.rounds,
            self.duration,
            systems::pool_size()
        )
    }
}

impl Contestant {
    /// Runs the load, and prints the result with the processor time that each process took for a command.
    async fn measure(&mut self, running: &Running, load: Load<'_>, what: &str) -> Report {
        let parts = running.parts();
        let before: Vec<_> = parts.iter().map(|(_, part)| processor_time(*part)).collect();
        let report = load.run(&[running.address()]).await;
        self.accepted += report.accepted.len() as u64;
        report.print(&format!("{what}, {} connections", load.connections));
        for ((name, part), before) in parts.iter().zip(before) {
            let used = processor_time(*part).saturating_sub(before);
            print!("  {name} {:.0}", used.as_secs_f64() * 1e6 / report.accepted.len() as f64);
        }
        println!("  µs a command");
        report
    }
}
