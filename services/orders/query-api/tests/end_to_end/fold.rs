//! The expected read model: the fold of the log.

use event_log::{ClientSettings, Codec, Recorded, Registry, Topics, read_partition};
use orders_domain::Event;
use test_kit::TestEnvironment;

use crate::model::{Model, apply};

/// Folds the log from the first event. It blocks.
pub(crate) fn of_log(environment: &TestEnvironment, codec: &Codec) -> Model {
    let client = ClientSettings { brokers: environment.servers.brokers.clone() };
    let topic = Topics::new(&environment.topic_prefix, "orders").events();
    let mut model = Model::new();
    for partition in 0..8 {
        let fold = &mut |recorded: Recorded| {
            let event: Event = codec.decode(&recorded).unwrap();
            let order = model.entry(recorded.envelope.aggregate_id.to_string()).or_default();
            apply(order, recorded.envelope.version.0, recorded.envelope.time, event);
            Ok(())
        };
        read_partition(&client, &topic, partition, 0, fold).unwrap();
    }
    model
}

/// A codec that reads the log of an environment.
pub(crate) fn codec(environment: &TestEnvironment) -> Codec {
    Codec::reading(Registry::new(&environment.servers.registry_url).unwrap())
}
