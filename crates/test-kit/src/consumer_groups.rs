use std::{collections::BTreeMap, time::Duration};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};

/// The consumer groups whose names begin with `prefix`, with their numbers of members. Blocks.
pub fn consumer_groups(brokers: &str, prefix: &str) -> BTreeMap<String, usize> {
    let consumer: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", brokers).create().expect("the settings are valid");
    let groups = consumer.fetch_group_list(None, Duration::from_secs(10)).expect("Kafka answers");
    let own = groups.groups().iter().filter(|group| group.name().starts_with(prefix));
    own.map(|group| (group.name().to_owned(), group.members().len())).collect()
}
