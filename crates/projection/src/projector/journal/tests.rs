use std::collections::BTreeMap;

use aggregate::{Message, Metadata, Payload, Version};
use event_log::{Codec, Envelope, Position, Recorded, SchemaFile};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::json_event::JsonEvent;

const SCHEMA: SchemaFile = SchemaFile {
    version: 1,
    text: r#"{"type": "record", "name": "Everything", "namespace": "foldline.tests", "fields": [
        {"name": "flag", "type": "boolean"},
        {"name": "number", "type": "int"},
        {"name": "large", "type": "long"},
        {"name": "single", "type": "float"},
        {"name": "double", "type": "double"},
        {"name": "text", "type": "string"},
        {"name": "raw", "type": "bytes"},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["NEW", "OLD"]}},
        {"name": "absent", "type": ["null", "string"]},
        {"name": "present", "type": ["null", "Kind"]},
        {"name": "none", "type": {"type": "array", "items": "long"}},
        {"name": "parts", "type": {"type": "array", "items": {"type": "record", "name": "Part", "fields": [
            {"name": "name", "type": "string"}, {"name": "sizes", "type": {"type": "array", "items": "int"}}]}}},
        {"name": "labels", "type": {"type": "map", "values": "string"}}]}"#,
};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Everything {
    flag: bool,
    number: i32,
    large: i64,
    single: f32,
    double: f64,
    text: String,
    #[serde(with = "apache_avro::serde::bytes")]
    raw: Vec<u8>,
    kind: Kind,
    absent: Option<String>,
    present: Option<Kind>,
    none: Vec<i64>,
    parts: Vec<Part>,
    labels: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Kind {
    New,
    Old,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Part {
    name: String,
    sizes: Vec<i32>,
}

impl Message for Everything {
    fn message_type(&self) -> &'static str {
        "Everything"
    }

    fn decode<P: Payload>(_: &str, payload: P) -> Result<Option<Self>, P::Error> {
        payload.read().map(Some)
    }
}

fn recorded(payload: Vec<u8>) -> Recorded {
    let envelope = Envelope {
        aggregate_id: Uuid::nil().into(),
        event_id: Uuid::nil(),
        event_type: "foldline.tests.Everything".to_owned(),
        source: "/tests".to_owned(),
        time: OffsetDateTime::UNIX_EPOCH,
        version: Version(1),
        request_hash: 0,
        owner_epoch: 1,
        partition_sequence: 1,
        metadata: Metadata {
            command_id: Uuid::nil(),
            correlation_id: "".into(),
            causation_id: "".into(),
            actor: "".into(),
            traceparent: "".into(),
        },
    };
    Recorded { envelope, position: Position { topic: "t".to_owned(), partition: 0, offset: 0 }, payload }
}

fn everything() -> Everything {
    Everything {
        flag: true,
        number: -7,
        large: i64::MAX,
        single: 0.1,
        double: 1e-9,
        text: "a \"quoted\"\n line, \u{e4}, \u{1f600}".to_owned(),
        raw: vec![0, 255],
        kind: Kind::New,
        absent: None,
        present: Some(Kind::Old),
        none: Vec::new(),
        parts: [(String::new(), vec![]), ("x".to_owned(), vec![1, 2])]
            .map(|(name, sizes)| Part { name, sizes })
            .into(),
        labels: BTreeMap::from([("a b".to_owned(), "c".to_owned())]),
    }
}

#[test]
fn the_json_of_an_event_is_the_same_as_that_of_its_own_type() {
    let codec = Codec::offline(&[SCHEMA]).unwrap();
    let event = everything();
    let json: JsonEvent = codec.decode(&recorded(codec.encode(&event).unwrap())).unwrap();
    let value: Value = serde_json::from_str(json.as_str()).unwrap();
    assert_eq!(value, serde_json::from_str::<Value>(&serde_json::to_string(&event).unwrap()).unwrap());
    assert_eq!(
        (&value["kind"], &value["raw"], &value["absent"]),
        (&json!("NEW"), &json!([0, 255]), &json!(null))
    );
}

#[test]
fn a_truncated_payload_is_refused() {
    let codec = Codec::offline(&[SCHEMA]).unwrap();
    let whole = codec.encode(&everything()).unwrap();
    for length in 0..whole.len() {
        let payload = whole[..length].to_vec();
        assert!(codec.decode::<JsonEvent>(&recorded(payload)).is_err(), "{length} bytes");
    }
}
