//! The ids that the registry gave are recorded, and replace it while it does not answer.

use event_log::{Codec, RegisteredSchema, Registry, SchemaFile, read_schema_ids, record_schema_ids};

use crate::{
    codec::{V1, V2, counted, register},
    support::{Log, RUNTIME},
};

fn record(log: &Log, schemas: &[RegisteredSchema]) {
    RUNTIME.block_on(record_schema_ids(&log.client, &log.topics, schemas)).unwrap();
}

fn recorded(log: &Log) -> Vec<RegisteredSchema> {
    read_schema_ids(&log.client, &log.topics).unwrap()
}

/// A codec with recorded ids, and a registry that nobody can reach.
fn codec(log: &Log, files: &[SchemaFile]) -> Option<Codec> {
    let _in_runtime = RUNTIME.enter();
    let registry = Registry::new("http://127.0.0.1:9").unwrap();
    Codec::recorded(registry, &[(log.topics.events(), files)], &recorded(log)).unwrap()
}

#[test]
fn recorded_ids_replace_the_registry_if_each_version_of_a_schema_has_one() {
    let log = Log::with_shards(1, 1);
    assert!(codec(&log, &[V1]).is_none());
    record(&log, register(&log, &[V1]).unwrap().registered());
    let payload = codec(&log, &[V1]).unwrap().encode(&counted()).unwrap();
    assert_eq!(payload, register(&log, &[V1]).unwrap().encode(&counted()).unwrap());

    assert!(codec(&log, &[V1, V2]).is_none());
    record(&log, register(&log, &[V1, V2]).unwrap().registered());
    let payload = codec(&log, &[V1, V2]).unwrap().encode(&counted()).unwrap();
    assert_eq!(payload, register(&log, &[V1, V2]).unwrap().encode(&counted()).unwrap());
}

#[test]
fn the_id_that_was_recorded_last_counts() {
    let log = Log::with_shards(1, 1);
    let registered = register(&log, &[V1, V2]).unwrap().registered().to_vec();
    let other_ids = registered.iter().map(|one| RegisteredSchema { id: one.id + 1, ..one.clone() });
    record(&log, &other_ids.collect::<Vec<_>>());
    record(&log, &registered);
    assert_eq!(recorded(&log), registered);
}
