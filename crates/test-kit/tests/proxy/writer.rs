use std::{sync::Arc, time::Duration};

use rdkafka::{
    ClientConfig,
    error::{KafkaError, KafkaResult},
    producer::{BaseProducer, BaseRecord, Producer},
};
use test_kit::{KafkaProxy, LogView, TestEnvironment};
use tokio::task::spawn_blocking;

/// Long enough for every message that is not held.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(20);

/// A proxy in front of the broker, and a producer that writes each record through it in its own transaction.
pub(crate) struct Writer {
    pub(crate) environment: TestEnvironment,
    pub(crate) proxy: KafkaProxy,
    pub(crate) producer: Arc<BaseProducer>,
}

impl Writer {
    pub(crate) async fn new() -> Self {
        let environment = TestEnvironment::empty();
        environment.foldline("topics apply");
        let proxy = KafkaProxy::in_front_of(&environment.servers.brokers).await;
        let producer = producer(&proxy, &environment.topic("writer"));
        let initialized = Arc::clone(&producer);
        spawn_blocking(move || initialized.init_transactions(TIMEOUT)).await.unwrap().unwrap();
        Self { environment, proxy, producer }
    }

    /// Writes a record and commits it within this time.
    pub(crate) async fn write(&self, text: &str, timeout: Duration) -> KafkaResult<()> {
        let (producer, topic) = (Arc::clone(&self.producer), self.environment.topic("orders.events"));
        let text = text.to_owned();
        spawn_blocking(move || {
            producer.begin_transaction()?;
            let record = BaseRecord::<str, str>::to(&topic).partition(0).key("key").payload(&text);
            producer.send(record).map_err(|(error, _): (KafkaError, _)| error)?;
            producer.flush(timeout)?;
            producer.commit_transaction(timeout)
        })
        .await
        .unwrap()
    }

    /// The committed records, read without the proxy.
    pub(crate) async fn committed(&self) -> Vec<String> {
        let (brokers, topic) =
            (self.environment.servers.brokers.clone(), self.environment.topic("orders.events"));
        let seen = spawn_blocking(move || LogView::of(&brokers, &topic)).await.unwrap();
        seen.into_iter().map(|event| String::from_utf8(event.payload).unwrap()).collect()
    }
}

/// A producer that connects only to the proxy.
pub(crate) fn producer(proxy: &KafkaProxy, transactional_id: &str) -> Arc<BaseProducer> {
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", proxy.address())
        .set("transactional.id", transactional_id)
        .set("reconnect.backoff.ms", "10")
        .set("retry.backoff.ms", "10")
        .set("retry.backoff.max.ms", "50")
        .create()
        .unwrap();
    Arc::new(producer)
}
