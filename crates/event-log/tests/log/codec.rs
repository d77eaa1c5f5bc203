//! Encoding and decoding of events, with the schemas in a real registry.

use std::{
    io,
    net::{Shutdown, TcpListener, TcpStream},
    thread,
};

use aggregate::{Message, Payload};
use event_log::{Codec, CodecError, Position, Recorded, Registry, SchemaFile};
use serde::{Deserialize, Serialize};

use crate::support::{Log, RUNTIME, error, record};

pub(crate) const V1: SchemaFile = SchemaFile {
    version: 1,
    text: r#"{"type": "record", "namespace": "foldline.tests", "name": "Counted",
        "fields": [{"name": "by", "type": "long"}, {"name": "tags", "type": {"type": "array", "items": "string"}}]}"#,
};
pub(crate) const V2: SchemaFile = SchemaFile {
    version: 2,
    text: r#"{"type": "record", "namespace": "foldline.tests", "name": "Counted",
        "fields": [{"name": "by", "type": "long"}, {"name": "tags", "type": {"type": "array", "items": "string"}},
                   {"name": "note", "type": "string", "default": ""}]}"#,
};

/// Version 1 of the event, with which version 2 can be read too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) by: i64,
    pub(crate) tags: Vec<String>,
}

impl Message for Counted {
    fn message_type(&self) -> &'static str {
        "Counted"
    }

    fn decode<P: Payload>(event_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        if event_type == "Counted" { payload.read().map(Some) } else { Ok(None) }
    }
}

pub(crate) fn counted() -> Counted {
    Counted { by: -7, tags: vec!["red".to_owned(), String::new()] }
}

/// A payload as a record of the log.
pub(crate) fn recorded(payload: Vec<u8>) -> Recorded {
    Recorded {
        envelope: record(0, "a", 1, 1).envelope,
        position: Position { topic: "tests.events".to_owned(), partition: 0, offset: 0 },
        payload,
    }
}

pub(crate) fn registry(log: &Log) -> Registry {
    Registry::new(&log.environment.servers.registry_url).unwrap()
}

pub(crate) fn register(log: &Log, files: &[SchemaFile]) -> Result<Codec, CodecError> {
    RUNTIME.block_on(Codec::register(registry(log), &[(log.topics.events(), files)]))
}

/// The schema id in a payload's frame.
pub(crate) fn schema_id(payload: &[u8]) -> u32 {
    u32::from_be_bytes(payload[1..5].try_into().unwrap())
}

/// The registry behind a proxy that accepts a single connection.
fn registry_behind_one_connection(log: &Log) -> Registry {
    let url = &log.environment.servers.registry_url;
    let address = url.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let local_address = listener.local_addr().unwrap().to_string();
    let registry = Registry::new(&url.replace(&address, &local_address)).unwrap();
    thread::spawn(move || {
        let (client, _) = listener.accept().unwrap();
        drop(listener);
        let server = TcpStream::connect(address).unwrap();
        let (mut requests, mut responses) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || io::copy(&mut requests, &mut responses));
        drop(io::copy(&mut &server, &mut &client));
        drop(client.shutdown(Shutdown::Both));
    });
    registry
}

#[test]
fn a_payload_is_framed_with_the_id_from_the_registry() {
    let log = Log::without_topics();
    let payload = register(&log, &[V1]).unwrap().encode(&counted()).unwrap();
    assert_eq!(payload[0], 0);
    let subject = format!("{}-foldline.tests.Counted", log.topics.events());
    let url = format!("{}/subjects/{subject}/versions/latest", log.environment.servers.registry_url);
    let latest: serde_json::Value =
        RUNTIME.block_on(async { reqwest::get(url).await.unwrap().json().await.unwrap() });
    assert_eq!(latest["id"], schema_id(&payload));
    assert_eq!(latest["version"], 1);
}

#[test]
fn events_are_written_with_the_newest_schema_and_older_readers_can_read_them() {
    #[derive(Deserialize, PartialEq, Debug)]
    #[serde(rename = "Counted")]
    struct OnlyNote {
        #[serde(default)]
        note: String,
    }
    let log = Log::without_topics();
    let old = register(&log, &[V1]).unwrap();
    let new = register(&log, &[V1, V2]).unwrap();
    let written = recorded(old.encode(&counted()).unwrap());
    assert_eq!(new.decode::<Counted>(&written).unwrap(), counted());
    assert_eq!(new.read::<OnlyNote>(&written).unwrap(), OnlyNote { note: String::new() });
    let payload = new.encode(&counted()).unwrap();
    assert_ne!(schema_id(&payload), schema_id(&written.payload));
    assert_eq!(old.decode::<Counted>(&recorded(payload)).unwrap(), counted());
}

#[test]
fn a_tolerant_reader_queries_the_registry_once_for_an_unknown_schema() {
    #[derive(Deserialize)]
    #[serde(rename = "Counted")]
    struct OnlyBy {
        by: i64,
    }
    let log = Log::without_topics();
    let written = recorded(register(&log, &[V1]).unwrap().encode(&counted()).unwrap());
    let registry = registry_behind_one_connection(&log);
    let codec = RUNTIME.block_on(async { Codec::reading(registry) });
    for _ in 0..100 {
        assert_eq!(codec.read::<OnlyBy>(&written).unwrap().by, -7);
    }
}

#[test]
fn an_unregistered_schema_is_a_permanent_error() {
    let log = Log::without_topics();
    let codec = RUNTIME.block_on(async { Codec::reading(registry(&log)) });
    let unknown = error(codec.read::<Counted>(&recorded(vec![0, 0x7f, 0xff, 0xff, 0xff, 0])));
    assert!(
        matches!(unknown, CodecError::UnknownSchema(0x7fff_ffff)) && !unknown.is_transient(),
        "{unknown}"
    );
}

#[test]
fn an_unavailable_registry_is_a_transient_error() {
    let unavailable = Registry::new(&format!("http://127.0.0.1:{}", test_kit::free_port())).unwrap();
    let codec = RUNTIME.block_on(async { Codec::reading(unavailable) });
    let unreachable = error(codec.read::<Counted>(&recorded(vec![0, 0, 0, 0, 1, 0])));
    assert!(unreachable.is_transient(), "{unreachable}");
}

const PACKED: SchemaFile = SchemaFile {
    version: 1,
    text: r#"{"type": "record", "namespace": "foldline.tests", "name": "Packed", "fields": [
        {"name": "boxes", "type": {"type": "array", "items": {"type": "record", "name": "Box", "fields": [
            {"name": "size", "type": "int"}, {"name": "label", "type": ["null", "string"]}]}}},
        {"name": "weight", "type": "long"},
        {"name": "by", "type": {"type": "record", "name": "Packer", "fields": [
            {"name": "name", "type": "string"},
            {"name": "shift", "type": {"type": "enum", "name": "Shift", "symbols": ["Day", "Night"]}}]}}]}"#,
};

#[derive(Debug, Clone, Serialize)]
struct Packed {
    boxes: Vec<Parcel>,
    weight: i64,
    by: Packer,
}

#[derive(Debug, Clone, Serialize)]
#[serde(rename = "Box")]
struct Parcel {
    size: i32,
    label: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Packer {
    name: String,
    shift: Shift,
}

#[derive(Debug, Clone, Serialize)]
enum Shift {
    Night,
}

impl Message for Packed {
    fn message_type(&self) -> &'static str {
        "Packed"
    }

    /// This type is only encoded; the payload is decoded to check it.
    fn decode<P: Payload>(_: &str, payload: P) -> Result<Option<Self>, P::Error> {
        let OnlyWeight { weight } = payload.read()?;
        Ok(Some(Self { boxes: Vec::new(), weight, by: Packer { name: String::new(), shift: Shift::Night } }))
    }
}

/// The fields that another context reads.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename = "Packed")]
struct OnlyWeight {
    weight: i64,
}

#[test]
fn a_reader_may_ignore_nested_records() {
    let codec = Codec::offline(&[PACKED]).unwrap();
    let boxes = [None, Some("fragile".to_owned())].map(|label| Parcel { size: 3, label });
    let by = Packer { name: "Ada".to_owned(), shift: Shift::Night };
    let payload = codec.encode(&Packed { boxes: boxes.into(), weight: 70, by }).unwrap();
    let mut recorded = recorded(payload);
    recorded.envelope.event_type = "foldline.tests.Packed".to_owned();
    assert_eq!(codec.read::<OnlyWeight>(&recorded).unwrap(), OnlyWeight { weight: 70 });
    recorded.payload.push(0);
    assert!(matches!(codec.read::<OnlyWeight>(&recorded), Err(CodecError::TrailingBytes(1))));
}
