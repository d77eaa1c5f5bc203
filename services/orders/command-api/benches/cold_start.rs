//! How long a command API needs to start with a million orders, at two lengths of the log, and how much memory it then
//! has. `make starts` starts the servers and prints the figures; `FOLDLINE_BENCH_ORDERS` and
//! `FOLDLINE_BENCH_EVENTS` (millions, with commas) say how many there are.

#![allow(clippy::disallowed_methods, reason = "nothing else waits for its threads")]

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use aggregate::{AggregateId, Metadata, Version};
use event_log::{
    Batch, ClientSettings, Codec, Envelope, KafkaPartitionLog, NewRecord, PartitionLog, PartitionLogSettings,
    Registry, SchemaFile, Topics, now, partition_of,
};
use orders_domain::events::{DeliveryAddress, DeliveryAddressChanged, Event, OrderLine, OrderPlaced};
use test_kit::{Area, Service};
use tokio::time::sleep;
use uuid::Uuid;

const PARTITIONS: i32 = 8;
/// How many events are committed together.
const GROUP: usize = 1_000;
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
    let area = Area::prepared();
    let topics = Topics::new(&area.topic_prefix, "orders");
    let registry = Registry::new(&area.servers.registry_url).expect("the address is right");
    let codec = Codec::register(registry, &[(topics.events(), EVENTS.as_slice())]).await;
    let codec = codec.expect("the registry takes the schemas");
    let mut writers: Vec<_> =
        (0..PARTITIONS).map(|number| Writer::new(&area, topics.clone(), number, orders)).collect();
    for length in lengths {
        let started = Instant::now();
        let payloads = [placed(), changed()].map(|event| codec.encode(&event).expect("the event fits"));
        let share = length / usize::try_from(PARTITIONS).expect("a handful");
        thread::scope(|scope| {
            for writer in &mut writers {
                scope.spawn(|| writer.write_up_to(share, &payloads));
            }
        });
        println!("\n{orders} orders, {length} events (written in {:.0?})", started.elapsed());
        // The first start folds what is new and leaves snapshots behind.
        let (took, memory) = start(&area).await;
        println!("start that folds what is new          {took:>8.1?}   {memory} MiB resident");
        for _ in 0..3 {
            let (took, memory) = start(&area).await;
            println!("start from snapshots                  {took:>8.1?}   {memory} MiB resident");
        }
    }
}

fn setting(name: &str, default: &str) -> Vec<usize> {
    let text = std::env::var(name).unwrap_or_else(|_| default.to_owned());
    text.split(',').map(|number| number.parse().expect("a list of numbers")).collect()
}

/// Starts the service, waits until it owns everything and has saved what it folded, and ends it.
async fn start(area: &Area) -> (Duration, u64) {
    let started = Instant::now();
    let mut service = Service::command_api(area, "orders");
    while !service.is_ready().await {
        assert!(started.elapsed() < Duration::from_mins(20), "{service}");
        sleep(Duration::from_millis(10)).await;
    }
    let took = started.elapsed();
    // Longer than the interval of snapshots.
    sleep(Duration::from_secs(8)).await;
    let memory = resident_mib(service.pid());
    service.signal("TERM");
    service.ended().await;
    (took, memory)
}

fn resident_mib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("linux says so");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
}

/// Writes one partition as its owner would.
struct Writer {
    log: KafkaPartitionLog,
    epoch: u64,
    orders: Vec<AggregateId>,
    written: usize,
    /// The offset after what was written: nothing of that is read again.
    next: i64,
}

impl Writer {
    fn new(area: &Area, topics: Topics, number: i32, orders: usize) -> Self {
        let settings = PartitionLogSettings {
            client: ClientSettings { brokers: area.servers.brokers.clone() },
            topics,
            address: "127.0.0.1:1".to_owned(),
            commit_timeout: Duration::from_secs(30),
        };
        let share = orders / usize::try_from(PARTITIONS).expect("a handful");
        let ids = std::iter::repeat_with(|| AggregateId::from(Uuid::now_v7()));
        let orders = ids.filter(|id| partition_of(id, PARTITIONS) == number).take(share).collect();
        Self { log: KafkaPartitionLog::new(settings, number), epoch: 0, orders, written: 0, next: 0 }
    }

    /// The orders in turn: each is placed, then its address changes again and again.
    fn write_up_to(&mut self, length: usize, payloads: &[Vec<u8>; 2]) {
        self.epoch = self.log.claim(self.next, &mut |_| Ok(())).expect("the partition is free").epoch;
        while self.written < length {
            let group: Vec<_> = (self.written..length.min(self.written + GROUP))
                .map(|number| self.record(number, payloads))
                .collect();
            let offsets = self.log.append(&Batch::events(&group)).expect("the commit succeeds");
            self.next = offsets.last().expect("a group has events") + 1;
            self.written += group.len();
        }
        self.log.release();
    }

    fn record(&self, number: usize, [placed, changed]: &[Vec<u8>; 2]) -> NewRecord {
        let (order, round) = (&self.orders[number % self.orders.len()], number / self.orders.len());
        let command_id = Uuid::now_v7();
        let (event_type, payload) = if round == 0 {
            ("foldline.orders.OrderPlaced", placed)
        } else {
            ("foldline.orders.DeliveryAddressChanged", changed)
        };
        let envelope = Envelope {
            aggregate_id: order.clone(),
            event_id: Envelope::event_id_of(command_id, 0),
            event_type: event_type.to_owned(),
            source: "/orders".to_owned(),
            time: now(),
            version: Version(round as u64 + 1),
            request_hash: 0,
            owner_epoch: self.epoch,
            partition_sequence: number as u64 + 1,
            metadata: Metadata {
                command_id,
                correlation_id: "bench".to_owned(),
                causation_id: "bench".to_owned(),
                actor: "anonymous".to_owned(),
                traceparent: String::new(),
            },
        };
        NewRecord { envelope, payload: payload.clone() }
    }
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
