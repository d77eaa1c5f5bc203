//! Measures how long a command API takes to start with a million orders, at two lengths of the log, and how much memory
//! it then uses. `make starts` starts the servers and prints the figures. `FOLDLINE_BENCH_ORDERS` sets the number of
//! orders, and `FOLDLINE_BENCH_EVENTS` the lengths of the log, separated by commas.

#![allow(clippy::disallowed_methods, reason = "a benchmark may block its threads")]

use std::{
    fs,
    time::{Duration, Instant},
};

use aggregate::Message as _;
use event_log::{Codec, Registry, SchemaFile, Topics};
use orders_domain::events::{DeliveryAddress, DeliveryAddressChanged, Event, OrderLine, OrderPlaced};
use test_kit::{LogWriter, Sample, Service, TestEnvironment, record_figure, write_log};
use tokio::time::sleep;

const PARTITIONS: i32 = 8;
const SHARDS: i32 = 1;
const EVENTS: [SchemaFile; 2] = [
    SchemaFile { version: 1, text: include_str!("../../../../schemas/orders/events/order_placed/v1.avsc") },
    SchemaFile {
        version: 1,
        text: include_str!("../../../../schemas/orders/events/delivery_address_changed/v1.avsc"),
    },
];

#[tokio::main]
async fn main() {
    let orders = setting("FOLDLINE_BENCH_ORDERS", "1000000").remove(0);
    let lengths = setting("FOLDLINE_BENCH_EVENTS", "2000000,10000000");
    let environment = TestEnvironment::empty().with_shards(SHARDS).prepare();
    let topics = Topics::new(&environment.topic_prefix, "orders");
    let registry = Registry::new(&environment.servers.registry_url).expect("the registry's URL is valid");
    let codec = Codec::register(registry, &[(topics.events(), EVENTS.as_slice())]).await;
    let codec = codec.expect("the registry accepts the schemas");
    let samples = [placed(), changed()].map(|event| sample(&codec, &event));
    let mut writers = LogWriter::all(&environment, "orders", PARTITIONS, SHARDS, orders);
    for length in lengths {
        let started = Instant::now();
        write_log(&mut writers, length, &samples);
        println!("\n{orders} orders, {length} events (written in {:.0?})", started.elapsed());
        // The first start folds the new events and saves snapshots.
        let (took, memory) = start(&environment).await;
        println!("start that folds what is new          {took:>8.1?}   {memory} MiB resident");
        for _ in 0..3 {
            let (took, memory) = start(&environment).await;
            println!("start from snapshots                  {took:>8.1?}   {memory} MiB resident");
            record_figure(&format!("start.{length}"), took.as_secs_f64());
        }
    }
}

fn setting(name: &str, default: &str) -> Vec<usize> {
    let text = std::env::var(name).unwrap_or_else(|_| default.to_owned());
    text.split(',').map(|number| number.parse().expect("a list of numbers")).collect()
}

/// Starts the service, waits until it owns all partitions and has saved its snapshots, and stops it.
async fn start(environment: &TestEnvironment) -> (Duration, u64) {
    let started = Instant::now();
    let mut service = Service::command_api(environment, "orders");
    while !service.is_ready().await {
        assert!(started.elapsed() < Duration::from_mins(20), "{service}");
        sleep(Duration::from_millis(10)).await;
    }
    let took = started.elapsed();
    // Longer than the interval between snapshots.
    sleep(Duration::from_secs(8)).await;
    let memory = resident_mib(service.pid());
    service.signal("TERM");
    service.ended().await;
    (took, memory)
}

fn resident_mib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is running");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("the status has a line VmRSS");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
}

fn sample(codec: &Codec, event: &Event) -> Sample {
    let event_type = codec.full_name(event.message_type()).expect("the schema is registered").to_owned();
    Sample { event_type, payload: codec.encode(event).expect("the event matches the schema") }
}

fn placed() -> Event {
    Event::OrderPlaced(OrderPlaced {
        customer_id: "c-1001".to_owned(),
        currency: "EUR".to_owned(),
        lines: vec![OrderLine { sku: "tea-500g".to_owned(), quantity: 2, unit_price_minor: 1290 }],
        total_minor: 2580,
        delivery_address: address("12 Example Street"),
    })
}

fn changed() -> Event {
    Event::DeliveryAddressChanged(DeliveryAddressChanged { delivery_address: address("13 Example Street") })
}

fn address(street: &str) -> DeliveryAddress {
    DeliveryAddress {
        name: "Ada Lovelace".to_owned(),
        street: street.to_owned(),
        postal_code: "10115".to_owned(),
        city: "Berlin".to_owned(),
        country: "DE".to_owned(),
    }
}
