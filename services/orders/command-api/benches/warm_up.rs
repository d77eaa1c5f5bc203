//! Warms up new servers before anything is measured: Kafka's JVM compiles its code for minutes, and until then a command
//! costs it several times as much. Orders are placed until a command no longer costs Kafka less.

#[path = "support/client.rs"]
#[allow(dead_code, reason = "the warm-up only places orders")]
mod client;
#[path = "support/load.rs"]
#[allow(dead_code, reason = "the warm-up only places orders")]
mod load;

use std::time::Duration;

use load::Load;
use test_kit::{Processes, Service, TestEnvironment, processor_time};

const ROUND: Duration = Duration::from_secs(10);
const CONNECTIONS: usize = 64;
/// Kafka is warm if its processor time has not fallen by a twentieth for this many rounds.
const STEADY_ROUNDS: u32 = 3;
const STEADY: f64 = 0.95;
/// The warm-up ends after this many rounds in any case.
const MAX_ROUNDS: u32 = 36;

#[tokio::main]
async fn main() {
    let environment = TestEnvironment::empty().with_shards(1).prepare();
    let commands = Service::command_api(&environment, "orders").ready().await;
    let _projector = Service::projector(&environment, "orders").ready().await;
    let addresses = [commands.url.trim_start_matches("http://").to_owned()];
    println!("\nwarming up: processor time of Kafka in µs a command, every {ROUND:?}");
    let (mut least, mut steady) = (f64::INFINITY, 0);
    for _ in 0..MAX_ROUNDS {
        let before = processor_time(Processes::Server("kafka"));
        let report = Load::place(CONNECTIONS, ROUND).run(&addresses).await;
        let spent = processor_time(Processes::Server("kafka")).saturating_sub(before);
        let micros = spent.as_secs_f64() * 1e6 / report.accepted.len() as f64;
        print!("  {micros:.0}");
        if micros < least * STEADY {
            (least, steady) = (micros, 0);
        } else {
            steady += 1;
        }
        if steady == STEADY_ROUNDS {
            break;
        }
    }
    println!();
}
