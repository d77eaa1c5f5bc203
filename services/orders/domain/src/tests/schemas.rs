//! The events and the files in `schemas/orders` say the same: each event is written and read by the newest
//! version of its own file, the older ones can still be read, and a reader without our types sees the same.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use aggregate::{Event as _, Payload};
use apache_avro::{
    Schema, reader::datum::GenericDatumReader, types::Value, writer::datum::GenericDatumWriter,
};
use proptest::prelude::*;
use serde::de::DeserializeOwned;

use super::{
    arbitrary::orders,
    samples::{address_changed, address_in, cancelled, changed_to, order_placed, placed},
};
use crate::{Event, events::OrderCancelled};

/// An event's bytes with the schema that wrote them.
struct Datum<'a> {
    schema: &'a Schema,
    bytes: &'a [u8],
}

impl Payload for Datum<'_> {
    type Error = apache_avro::Error;

    fn read<T: DeserializeOwned>(self) -> Result<T, apache_avro::Error> {
        let mut rest = self.bytes;
        let event = GenericDatumReader::builder(self.schema).build()?.read_deser(&mut rest)?;
        assert!(rest.is_empty(), "the event has bytes that nobody reads");
        Ok(event)
    }
}

/// One event of each type.
fn samples() -> [Event; 3] {
    [order_placed(), address_changed("Jena"), cancelled()]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../schemas/orders")
}

/// `OrderPlaced` → `order_placed`.
fn snake_case(event_type: &str) -> String {
    let mut snake = String::new();
    for letter in event_type.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// All versions of an event's schema, oldest first.
fn versions(event_type: &str) -> Vec<Schema> {
    let event = folder().join(snake_case(event_type));
    let count = fs::read_dir(&event).unwrap().count();
    let files = (1..=count).map(|version| event.join(format!("v{version}.avsc")));
    files.map(|file| Schema::parse_str(&fs::read_to_string(file).unwrap()).unwrap()).collect()
}

fn write(schema: &Schema, event: &Event) -> Vec<u8> {
    GenericDatumWriter::builder(schema).build().unwrap().write_ser_to_vec(event).unwrap()
}

/// What a reader without our types makes of the bytes, in the form of its own schema.
fn read_as(reader: &Schema, writer: &Schema, bytes: &[u8]) -> Value {
    let datum = GenericDatumReader::builder(writer).reader_schema(reader).build().unwrap();
    datum.read_value(&mut &bytes[..]).unwrap()
}

fn decode(schema: &Schema, bytes: &[u8], event_type: &str) -> Option<Event> {
    Event::decode(event_type, Datum { schema, bytes }).unwrap()
}

#[track_caller]
fn round_trips(event: &Event) {
    let versions = versions(event.event_type());
    let newest = versions.last().unwrap();
    let bytes = write(newest, event);
    assert_eq!(decode(newest, &bytes, event.event_type()).as_ref(), Some(event));

    let foreign = serde_json::Value::try_from(read_as(newest, newest, &bytes)).unwrap();
    assert_eq!(foreign, serde_json::to_value(event).unwrap());
}

#[test]
fn every_event_round_trips_through_its_own_file() {
    samples().iter().for_each(round_trips);
}

#[test]
fn an_event_of_every_version_can_still_be_read() {
    for event in samples() {
        let versions = versions(event.event_type());
        let newest = versions.last().unwrap();
        let bytes = write(newest, &event);
        for version in &versions {
            let earlier = GenericDatumWriter::builder(version).build().unwrap();
            let earlier = earlier.write_value_to_vec(read_as(version, newest, &bytes)).unwrap();
            assert!(decode(version, &earlier, event.event_type()).is_some());
        }
    }
}

#[test]
fn every_file_belongs_to_an_event() {
    let files: BTreeSet<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let events = samples().map(|event| snake_case(event.event_type()));
    assert_eq!(files, BTreeSet::from(events));
}

#[test]
fn an_event_of_another_name_is_not_ours() {
    assert_eq!(decode(&Schema::Null, &[], "OrderShipped"), None);
}

#[test]
fn an_event_is_not_written_by_the_schema_of_another() {
    let schema = &versions("OrderCancelled")[0];
    let writer = GenericDatumWriter::builder(schema).build().unwrap();
    assert!(writer.write_ser_to_vec(&address_changed("Jena")).is_err());
}

proptest! {
    #[test]
    fn any_placed_order_round_trips(order in orders()) {
        placed(order).iter().for_each(round_trips);
    }

    #[test]
    fn any_text_round_trips(text in any::<String>()) {
        round_trips(&Event::OrderCancelled(OrderCancelled { reason: text.clone() }));
        round_trips(&changed_to(&address_in(&text)));
    }
}
