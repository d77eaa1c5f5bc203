//! The payloads of commands. Any program can send a command, so payloads are not trusted.

use aggregate::{Expected, Message, Metadata, Payload};
use event_log::{Codec, CodecError, CommandEnvelope, SchemaFile, now};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    codec::{V1, counted, registry},
    support::{Log, RUNTIME, error},
};

const COUNT: SchemaFile = SchemaFile {
    version: 1,
    text: r#"{"type": "record", "namespace": "foldline.tests", "name": "Count",
        "fields": [{"name": "by", "type": "long"}, {"name": "why", "type": "string"}]}"#,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Count {
    by: i64,
    why: String,
}

impl Message for Count {
    fn message_type(&self) -> &'static str {
        "Count"
    }

    fn decode<P: Payload>(command_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        if command_type == "Count" { payload.read().map(Some) } else { Ok(None) }
    }
}

fn count() -> Count {
    Count { by: -7, why: "because".to_owned() }
}

fn envelope(command_type: &str) -> CommandEnvelope {
    CommandEnvelope {
        aggregate_id: "order-1".try_into().unwrap(),
        command_type: command_type.to_owned(),
        expected: Expected::Any,
        request_hash: 7,
        time: now(),
        metadata: Metadata {
            command_id: Uuid::now_v7(),
            correlation_id: "conversation".into(),
            causation_id: "request".into(),
            actor: "me".into(),
            traceparent: "".into(),
        },
    }
}

fn codec() -> Codec {
    Codec::offline(&[V1, COUNT]).unwrap()
}

fn read(payload: &[u8]) -> Result<Count, CodecError> {
    codec().decode_command(&envelope("foldline.tests.Count"), payload)
}

#[test]
fn events_and_commands_are_registered_under_their_own_topics_and_one_codec_encodes_both() {
    let log = Log::without_topics();
    let [events, commands] = [log.topics.events(), log.topics.commands()];
    let schemas = [(events.clone(), &[V1][..]), (commands.clone(), &[COUNT][..])];
    let codec = RUNTIME.block_on(Codec::register(registry(&log), &schemas)).unwrap();
    let command =
        codec.decode_command::<Count>(&envelope("foldline.tests.Count"), &codec.encode(&count()).unwrap());
    assert_eq!(command.unwrap(), count());
    codec.encode(&counted()).unwrap();
    let url = format!("{}/subjects", log.environment.servers.registry_url);
    let subjects: Value = RUNTIME.block_on(async { reqwest::get(url).await.unwrap().json().await.unwrap() });
    let subjects = subjects.as_array().unwrap().iter().filter_map(Value::as_str);
    let registered: Vec<_> =
        subjects.filter(|subject| subject.starts_with(&log.environment.topic_prefix)).collect();
    let event = format!("{events}-foldline.tests.Counted");
    let command = format!("{commands}-foldline.tests.Count");
    assert_eq!(registered.len(), 2, "{registered:?}");
    assert!([event, command].iter().all(|subject| registered.contains(&subject.as_str())), "{registered:?}");
}

#[test]
fn a_command_of_an_unknown_type_is_refused_whatever_its_payload() {
    let payload = codec().encode(&count()).unwrap();
    for other in ["Count", "elsewhere.tests.Count", "foldline.tests.Discount", "", "."] {
        let refused = error(codec().decode_command::<Count>(&envelope(other), &payload));
        assert!(matches!(refused, CodecError::UnknownType(_)), "{other}: {refused}");
    }
}

#[test]
fn an_event_is_not_a_command() {
    let event = codec().encode(&counted()).unwrap();
    let refused = error(read(&event));
    assert!(matches!(refused, CodecError::OtherType { .. }), "{refused}");
    let refused = error(codec().decode_command::<Count>(&envelope("foldline.tests.Counted"), &event));
    assert!(matches!(refused, CodecError::UnknownType(_)), "{refused}");
}

#[test]
fn a_command_with_missing_bytes_extra_bytes_or_hostile_lengths_is_refused() {
    let valid = codec().encode(&count()).unwrap();
    assert_eq!(read(&valid).unwrap(), count());
    for length in 0..valid.len() {
        let refused = error(read(&valid[..length]));
        assert!(matches!(refused, CodecError::Avro(_) | CodecError::NotFramed), "{length}: {refused}");
    }
    let longer = error(read(&[&valid[..], b"more"].concat()));
    assert!(matches!(longer, CodecError::TrailingBytes(4)), "{longer}");
    // Lengths of -7 and of 2⁶² bytes.
    let hostile = [&valid[..5], &[13], &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]].concat();
    assert!(matches!(error(read(&hostile)), CodecError::Avro(_)));
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_make_the_command_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(read) = read(&[vec![0, 0, 0, 0, 1], bytes].concat()) {
            prop_assert!(read.why.len() <= 200);
        }
    }
}
