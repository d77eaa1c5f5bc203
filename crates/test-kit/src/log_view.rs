use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::Headers,
};

/// A record as any consumer sees it: key, headers and bytes. It is read without the readers of the platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumedRecord {
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// The key as text.
    pub key: String,
    /// The headers as text.
    pub headers: BTreeMap<String, String>,
    /// The payload.
    pub payload: Vec<u8>,
    /// The record's timestamp, in milliseconds since 1970.
    pub timestamp: Option<i64>,
}

/// How long to wait for an open transaction to end.
const OPEN_TRANSACTION: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(5);

/// A topic as seen by an independent consumer that reads committed records.
pub struct LogView;

impl LogView {
    /// Every committed record of a topic, partition by partition, in order.
    pub fn of(brokers: &str, topic: &str) -> Vec<ConsumedRecord> {
        let consumer = consumer_with(brokers, topic, "read_committed");
        let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10)).expect("Kafka answers");
        let partitions = metadata.topics()[0].partitions().len();
        let mut all = TopicPartitionList::new();
        let uncommitted = consumer_with(brokers, topic, "read_uncommitted");
        for partition in 0..i32::try_from(partitions).expect("the number of partitions fits") {
            until_committed(&consumer, &uncommitted, topic, partition);
            all.add_partition_offset(topic, partition, Offset::Beginning).expect("the offset is valid");
        }
        consumer.assign(&all).expect("the partitions exist");
        let mut seen = read_to_the_ends(&consumer, partitions);
        seen.sort_by_key(|event| (event.partition, event.offset));
        seen
    }
}

fn consumer_with(brokers: &str, topic: &str, isolation: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", format!("{topic}-view"))
        .set("isolation.level", isolation)
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        // The end of a partition is reported when a fetch comes back empty; the default wait is half a second.
        .set("fetch.wait.max.ms", "10")
        .create()
        .expect("the settings are valid")
}

/// Waits until everything now in the partition can be read: the broker acknowledges a commit before it has marked the
/// records as committed. It gives up on a transaction that stays open.
fn until_committed(committed: &BaseConsumer, uncommitted: &BaseConsumer, topic: &str, partition: i32) {
    let end = |consumer: &BaseConsumer| {
        consumer.fetch_watermarks(topic, partition, Duration::from_secs(10)).expect("Kafka answers").1
    };
    let (last, deadline) = (end(uncommitted), Instant::now() + OPEN_TRANSACTION);
    while end(committed) < last && Instant::now() < deadline {
        thread::sleep(PAUSE);
    }
}

fn read_to_the_ends(consumer: &BaseConsumer, mut open: usize) -> Vec<ConsumedRecord> {
    let mut seen = Vec::new();
    let deadline = Instant::now() + Duration::from_mins(1);
    while open > 0 {
        assert!(Instant::now() < deadline, "the topic cannot be read to its ends within a minute");
        match consumer.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => seen.push(consumed(&message)),
            Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
            Some(Err(error)) => panic!("the topic cannot be read: {error}"),
            None => {}
        }
    }
    seen
}

fn consumed(message: &impl Message) -> ConsumedRecord {
    let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
    let headers = message.headers().into_iter().flat_map(Headers::iter);
    ConsumedRecord {
        partition: message.partition(),
        offset: message.offset(),
        key: text(message.key()),
        headers: headers.map(|header| (header.key.to_owned(), text(header.value))).collect(),
        payload: message.payload().unwrap_or_default().to_vec(),
        timestamp: message.timestamp().to_millis(),
    }
}
