//! What this machine can do at best, under the same client: a route that only parses an order, and one that also writes
//! it to Kafka, with the groups, transactions and overlap of the engine but without rules, retries or a read side.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, Thread},
    time::Duration,
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use event_log::{ClientSettings, Shards, Topics, apply_topics};
use orders_domain::PlaceOrder;
use rdkafka::{
    ClientConfig, ClientContext,
    message::{DeliveryResult, Header, OwnedHeaders},
    producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer},
};
use test_kit::TestEnvironment;
use tokio::{net::TcpListener, sync::oneshot};
use uuid::Uuid;

const PARTITIONS: i32 = 8;
/// The number of producers that take turns, as in the engine.
const PRODUCERS: usize = 3;
const LARGEST_GROUP: usize = 512;
const DEADLINE: Duration = Duration::from_secs(20);
/// As many headers as an event has.
const HEADERS: [&str; 14] = [
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_time",
    "ce_subject",
    "ce_specversion",
    "content-type",
    "aggregate_version",
    "command_id",
    "correlation_id",
    "causation_id",
    "actor",
    "owner_epoch",
    "partition_sequence",
];

struct Queued {
    key: Uuid,
    payload: Vec<u8>,
    reply: oneshot::Sender<()>,
}

/// Counts the records of a group that are not yet acknowledged, and wakes the thread that waits for them.
#[derive(Clone)]
struct Unacknowledged(Arc<AtomicUsize>, Thread);

struct GroupProducer {
    producer: ThreadedProducer<Unacknowledged>,
    unacknowledged: Arc<AtomicUsize>,
}

/// Serves a route that parses an order and answers at once. Returns its address.
pub(crate) async fn empty_route() -> String {
    serve(None).await
}

/// Serves a route that parses an order, writes it to a topic of eight partitions in overlapping transactions, and
/// answers when it is committed. Returns its address.
pub(crate) async fn bare_log(environment: &TestEnvironment) -> String {
    let topics = Topics::new(&environment.topic_prefix, "bare");
    let client = ClientSettings { brokers: environment.servers.brokers.clone() };
    let shards = Shards::new(PARTITIONS, 1).expect("one shard of all partitions");
    apply_topics(&client, &topics, shards, 1).await.expect("the topics can be created");
    let (queue, queued) = channel();
    let (brokers, topic) = (client.brokers, topics.events().clone());
    thread::spawn(move || write(&brokers, &topic, &queued));
    serve(Some(queue)).await
}

async fn serve(queue: Option<Sender<Queued>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound").to_string();
    let router = Router::new().route("/orders", post(place)).with_state(queue);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn place(
    State(queue): State<Option<Sender<Queued>>>,
    Json(order): Json<PlaceOrder>,
) -> (StatusCode, String) {
    let key = order.order_id.unwrap_or_else(Uuid::now_v7);
    if let Some(queue) = queue {
        let payload = serde_json::to_vec(&order).expect("an order can be serialized");
        let (reply, committed) = oneshot::channel();
        queue.send(Queued { key, payload, reply }).expect("the writer runs");
        committed.await.expect("the group is committed");
    }
    (StatusCode::CREATED, format!(r#"{{"order_id":"{key}","version":1}}"#))
}

/// Sends each group while the one before it is committed on another thread.
fn write(brokers: &str, topic: &str, queued: &Receiver<Queued>) {
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|number| Arc::new(GroupProducer::new(brokers, &format!("{topic}-{number}"))))
        .collect();
    let (to_commit, groups) = channel::<(Arc<GroupProducer>, Vec<Queued>)>();
    let (committed, commits) = channel();
    thread::spawn(move || {
        for (producer, group) in groups {
            producer.producer.commit_transaction(DEADLINE).expect("nobody else writes");
            // A client that has gone away is not an error.
            for queued in group {
                queued.reply.send(()).unwrap_or_default();
            }
            committed.send(()).expect("the writer runs");
        }
    });
    let mut in_flight = 0;
    for producer in producers.iter().cycle() {
        while in_flight >= PRODUCERS - 1 {
            commits.recv().expect("commits succeed");
            in_flight -= 1;
        }
        let Ok(first) = queued.recv() else { return };
        let group: Vec<_> = std::iter::once(first).chain(queued.try_iter()).take(LARGEST_GROUP).collect();
        producer.send(topic, &group);
        to_commit.send((Arc::clone(producer), group)).expect("commits succeed");
        in_flight += 1;
    }
}

impl GroupProducer {
    fn new(brokers: &str, id: &str) -> Self {
        let unacknowledged = Arc::new(AtomicUsize::new(0));
        let producer: ThreadedProducer<_> = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("transactional.id", id)
            .set("linger.ms", "0")
            .create_with_context(Unacknowledged(Arc::clone(&unacknowledged), thread::current()))
            .expect("the settings are valid");
        producer.init_transactions(DEADLINE).expect("the broker responds");
        Self { producer, unacknowledged }
    }

    /// Sends a group in a new transaction, and waits until all of it is acknowledged.
    fn send(&self, topic: &str, group: &[Queued]) {
        self.producer.begin_transaction().expect("the last one is committed");
        self.unacknowledged.store(group.len(), Ordering::Release);
        for queued in group {
            let key = queued.key.to_string();
            let headers =
                HEADERS.iter().fold(OwnedHeaders::new_with_capacity(HEADERS.len()), |headers, name| {
                    headers.insert(Header { key: name, value: Some(&key) })
                });
            let partition = i32::from(queued.key.as_bytes()[15]) % PARTITIONS;
            let record = BaseRecord::to(topic)
                .partition(partition)
                .key(&key)
                .payload(&queued.payload)
                .headers(headers);
            self.producer.send(record).map_err(|(error, _)| error).expect("the queue is large enough");
        }
        while self.unacknowledged.load(Ordering::Acquire) > 0 {
            thread::park_timeout(Duration::from_millis(50));
        }
        // The client counts a record until its callback has returned, and a commit with a record in flight waits 100 ms.
        while self.producer.in_flight_count() > 0 {
            thread::yield_now();
        }
    }
}

impl ClientContext for Unacknowledged {}

impl ProducerContext for Unacknowledged {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        assert!(result.is_ok(), "the broker accepts every record");
        if self.0.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.1.unpark();
        }
    }
}
