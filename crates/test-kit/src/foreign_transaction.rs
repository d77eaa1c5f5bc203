use std::time::Duration;

use rdkafka::{
    ClientConfig,
    producer::{BaseProducer, BaseRecord, Producer},
};
use uuid::Uuid;

/// How long Kafka may take for a step.
const TIMEOUT: Duration = Duration::from_secs(10);

/// An open transaction of a program outside the platform. Until it ends, consumers of committed records see no record
/// that follows its own.
pub struct ForeignTransaction(BaseProducer);

impl ForeignTransaction {
    /// Writes a record to a partition, and leaves the transaction open. Blocks.
    pub fn open(brokers: &str, topic: &str, partition: i32) -> Self {
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", brokers)
            .set("transactional.id", Uuid::now_v7().to_string())
            .create()
            .expect("the settings are valid");
        producer.init_transactions(TIMEOUT).expect("Kafka answers");
        producer.begin_transaction().expect("a transaction can begin");
        let record = BaseRecord::<str, [u8]>::to(topic).partition(partition).payload(b"foreign".as_slice());
        producer.send(record).map_err(|(error, _)| error).expect("the record is queued");
        producer.flush(TIMEOUT).expect("Kafka accepts the record");
        Self(producer)
    }

    /// Aborts the transaction. Blocks.
    pub fn abort(self) {
        self.0.abort_transaction(TIMEOUT).expect("Kafka aborts the transaction");
    }
}
