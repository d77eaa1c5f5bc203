use std::time::Duration;

use rdkafka::{
    ClientConfig,
    message::{Header, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};

/// A record as any program can write it to a topic, without the writers of the platform.
#[derive(Debug, Clone, Copy, Default)]
pub struct ForeignRecord<'r> {
    /// The key, if it has one.
    pub key: Option<&'r [u8]>,
    /// The headers.
    pub headers: &'r [(&'r str, &'r [u8])],
    /// The payload, if it has one.
    pub payload: Option<&'r [u8]>,
}

impl ForeignRecord<'_> {
    /// Writes the record to a partition, and returns its offset.
    pub async fn write(&self, brokers: &str, topic: &str, partition: i32) -> i64 {
        let producer: FutureProducer =
            ClientConfig::new().set("bootstrap.servers", brokers).create().expect("the settings are valid");
        let headers = self.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: Some(*value) })
        });
        let mut record = FutureRecord::<[u8], [u8]>::to(topic).partition(partition).headers(headers);
        (record.key, record.payload) = (self.key, self.payload);
        let delivered = producer.send(record, Duration::from_secs(10)).await;
        delivered.expect("Kafka accepts the record").offset
    }
}
