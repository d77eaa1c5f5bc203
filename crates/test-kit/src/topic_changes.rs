//! Changes to topics as an administrator could make them.

use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewPartitions},
    client::DefaultClientContext,
};

/// Adds partitions to a topic, until it has `count`.
pub async fn add_partitions(brokers: &str, topic: &str, count: usize) {
    let new_partitions = [NewPartitions::new(topic, count)];
    let added = admin(brokers).create_partitions(&new_partitions, &AdminOptions::new()).await;
    for topic in added.expect("Kafka answers") {
        topic.expect("Kafka adds the partitions");
    }
}

/// Deletes the records of a partition before an offset, as retention would.
pub async fn delete_before(brokers: &str, topic: &str, partition: i32, offset: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, partition, Offset::Offset(offset)).expect("the offset is valid");
    let deleted = admin(brokers).delete_records(&list, &AdminOptions::new()).await.expect("Kafka answers");
    deleted.elements()[0].error().expect("Kafka deletes the records");
}

fn admin(brokers: &str) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", brokers).create().expect("the settings are valid")
}
