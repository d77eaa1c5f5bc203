use std::time::Duration;

use aggregate::{AggregateId, Message as _, Metadata, Version};
use event_log::{
    Batch, ClientSettings, Codec, Envelope, KafkaPartitionLog, NewRecord, PartitionLog, PartitionLogSettings,
    Registry, SchemaFile, Topics, now, partition_of,
};
use orders_domain::{
    Event,
    events::{DeliveryAddress, DeliveryAddressChanged, OrderCancelled, OrderLine, OrderPlaced},
};
use test_kit::TestEnvironment;
use uuid::Uuid;

const PARTITIONS: i32 = 8;

/// Writes orders into the log, and remembers what it wrote.
pub(crate) struct Log {
    pub(crate) written: Vec<(Envelope, Event)>,
    queued: Vec<NewRecord>,
    partitions: Vec<Option<(KafkaPartitionLog, u64)>>,
    sequences: Vec<u64>,
    codec: Codec,
}

impl Log {
    /// Takes over every partition.
    pub(crate) async fn of(environment: &TestEnvironment) -> Self {
        let topics = Topics::new(&environment.topic_prefix, "orders");
        let registry = Registry::new(&environment.servers.registry_url).unwrap();
        let codec = Codec::register(registry, &[(topics.events(), &schemas())]).await.unwrap();
        let settings = PartitionLogSettings {
            client: ClientSettings { brokers: environment.servers.brokers.clone() },
            topics,
            address: "test".to_owned(),
            commit_timeout: Duration::from_secs(10),
        };
        let partitions = (0..PARTITIONS).map(|partition| claim(settings.clone(), partition));
        let claimed = partitions.collect::<Vec<_>>();
        let mut partitions = Vec::new();
        for claim in claimed {
            partitions.push(Some(claim.await.unwrap()));
        }
        Self { written: Vec::new(), queued: Vec::new(), partitions, sequences: vec![0; 8], codec }
    }

    /// How many events there are in all.
    pub(crate) fn events(&self) -> usize {
        self.written.len()
    }

    /// Each with its own number of events, of all kinds.
    pub(crate) async fn append_orders(&mut self, count: usize) {
        let mut groups: Vec<Vec<NewRecord>> = vec![Vec::new(); 8];
        for number in 0..count {
            let order_id = AggregateId::from(Uuid::now_v7());
            for (version, event) in (1..).zip(history(number)) {
                let record = self.record(&order_id, version, event);
                groups[usize::try_from(partition_of(&order_id, PARTITIONS)).unwrap()].push(record);
            }
        }
        for (partition, group) in groups.into_iter().enumerate() {
            self.append(partition, group).await;
        }
    }

    /// One event more for an order.
    pub(crate) async fn append_event(&mut self, order_id: &AggregateId, version: u64, event: Event) {
        let record = self.record(order_id, version, event);
        self.append(usize::try_from(partition_of(order_id, PARTITIONS)).unwrap(), vec![record]).await;
    }

    /// One event more for an order, to be written with others.
    pub(crate) fn queue_event(&mut self, order_id: &AggregateId, version: u64, event: Event) {
        let record = self.record(order_id, version, event);
        self.queued.push(record);
    }

    /// Writes what was queued.
    pub(crate) async fn append_queued(&mut self) {
        let mut groups: Vec<Vec<NewRecord>> = vec![Vec::new(); 8];
        for record in std::mem::take(&mut self.queued) {
            groups[usize::try_from(partition_of(&record.envelope.aggregate_id, PARTITIONS)).unwrap()]
                .push(record);
        }
        for (partition, group) in groups.into_iter().enumerate() {
            self.append(partition, group).await;
        }
    }

    fn record(&mut self, order_id: &AggregateId, version: u64, event: Event) -> NewRecord {
        let partition = usize::try_from(partition_of(order_id, PARTITIONS)).unwrap();
        self.sequences[partition] += 1;
        let command_id = Uuid::now_v7();
        let envelope = Envelope {
            aggregate_id: order_id.clone(),
            event_id: Envelope::event_id_of(command_id, 0),
            event_type: self.codec.full_name(event.message_type()).unwrap().to_owned(),
            source: "/orders".to_owned(),
            time: now(),
            version: Version(version),
            request_hash: 0,
            owner_epoch: self.partitions[partition].as_ref().unwrap().1,
            partition_sequence: self.sequences[partition],
            metadata: Metadata {
                command_id,
                correlation_id: "test".to_owned(),
                causation_id: "test".to_owned(),
                actor: "test".to_owned(),
                traceparent: String::new(),
            },
        };
        let payload = self.codec.encode(&event).unwrap();
        self.written.push((envelope.clone(), event));
        NewRecord { envelope, payload }
    }

    async fn append(&mut self, partition: usize, group: Vec<NewRecord>) {
        if group.is_empty() {
            return;
        }
        let (mut log, epoch) = self.partitions[partition].take().unwrap();
        let log = tokio::task::spawn_blocking(move || {
            log.append(&Batch::events(&group)).unwrap();
            log
        });
        self.partitions[partition] = Some((log.await.unwrap(), epoch));
    }
}

/// Calls to Kafka block.
fn claim(
    settings: PartitionLogSettings,
    partition: i32,
) -> tokio::task::JoinHandle<(KafkaPartitionLog, u64)> {
    tokio::task::spawn_blocking(move || {
        let mut log = KafkaPartitionLog::new(settings, partition);
        let epoch = log.claim(0, &mut |_| Ok(())).unwrap().epoch;
        (log, epoch)
    })
}

pub(crate) fn schemas() -> [SchemaFile; 3] {
    [
        include_str!("../../../../../schemas/orders/events/order_placed/v1.avsc"),
        include_str!("../../../../../schemas/orders/events/delivery_address_changed/v1.avsc"),
        include_str!("../../../../../schemas/orders/events/order_cancelled/v1.avsc"),
    ]
    .map(|text| SchemaFile { version: 1, text })
}

/// What happens to the `number`-th order.
fn history(number: usize) -> Vec<Event> {
    let mut events = vec![placed(number)];
    events.extend((0..number % 3).map(|street| moved(&format!("{street} Second Street"))));
    events.extend((number.is_multiple_of(4)).then(cancelled));
    events
}

pub(crate) fn placed(number: usize) -> Event {
    let lines = (0..=number % 3).map(|line| OrderLine {
        sku: format!("sku-{line}"),
        quantity: 2,
        unit_price_minor: 150,
    });
    let lines: Vec<_> = lines.collect();
    Event::OrderPlaced(OrderPlaced {
        customer_id: format!("c-{}", number % 5),
        currency: "EUR".to_owned(),
        total_minor: 300 * i64::try_from(lines.len()).unwrap(),
        lines,
        delivery_address: address("1 First Street"),
    })
}

pub(crate) fn moved(street: &str) -> Event {
    Event::DeliveryAddressChanged(DeliveryAddressChanged { delivery_address: address(street) })
}

pub(crate) fn cancelled() -> Event {
    Event::OrderCancelled(OrderCancelled { reason: "ordered twice".to_owned() })
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
