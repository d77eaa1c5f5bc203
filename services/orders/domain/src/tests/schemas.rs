//! The messages and the files in `schemas/orders` say the same: each event and each command is written and read by the
//! newest version of its own file, the older ones can still be read, and a reader without our types sees the same.

use std::{
    collections::BTreeSet,
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
};

use aggregate::{Message, Payload};
use apache_avro::{
    Schema, reader::datum::GenericDatumReader, types::Value, writer::datum::GenericDatumWriter,
};
use proptest::prelude::*;
use serde::de::DeserializeOwned;

use super::{
    arbitrary::orders,
    samples::{address_changed, address_in, cancelled, changed_to, order, order_placed, placed},
};
use crate::{
    Event,
    events::OrderCancelled,
    unchecked::{CancelOrder, ChangeDeliveryAddress, Command},
};

/// A message's bytes with the schema that wrote them.
struct Datum<'a> {
    schema: &'a Schema,
    bytes: &'a [u8],
}

impl Payload for Datum<'_> {
    type Error = apache_avro::Error;

    fn read<T: DeserializeOwned>(self) -> Result<T, apache_avro::Error> {
        let mut rest = self.bytes;
        let message = GenericDatumReader::builder(self.schema).build()?.read_deser(&mut rest)?;
        assert!(rest.is_empty(), "the message has bytes that nobody reads");
        Ok(message)
    }
}

/// A kind of message that has a folder in `schemas/orders`.
trait Kind: Message + Debug + PartialEq {
    const FOLDER: &str;

    /// One message of each type.
    fn samples() -> [Self; 3];
}

impl Kind for Event {
    const FOLDER: &str = "events";

    fn samples() -> [Self; 3] {
        [order_placed(), address_changed("Jena"), cancelled()]
    }
}

impl Kind for Command {
    const FOLDER: &str = "commands";

    fn samples() -> [Self; 3] {
        [
            Self::PlaceOrder(order()),
            Self::ChangeDeliveryAddress(ChangeDeliveryAddress { delivery_address: address_in("Jena") }),
            Self::CancelOrder(CancelOrder { reason: "changed my mind".to_owned() }),
        ]
    }
}

fn folder<M: Kind>() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../schemas/orders").join(M::FOLDER)
}

/// `OrderPlaced` → `order_placed`.
fn snake_case(message_type: &str) -> String {
    let mut snake = String::new();
    for letter in message_type.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// All versions of a message's schema, oldest first.
fn versions<M: Kind>(message_type: &str) -> Vec<Schema> {
    let message = folder::<M>().join(snake_case(message_type));
    let count = fs::read_dir(&message).unwrap().count();
    let files = (1..=count).map(|version| message.join(format!("v{version}.avsc")));
    files.map(|file| Schema::parse_str(&fs::read_to_string(file).unwrap()).unwrap()).collect()
}

fn write(schema: &Schema, message: &impl Message) -> Vec<u8> {
    GenericDatumWriter::builder(schema).build().unwrap().write_ser_to_vec(message).unwrap()
}

/// What a reader without our types makes of the bytes, in the form of its own schema.
fn read_as(reader: &Schema, writer: &Schema, bytes: &[u8]) -> Value {
    let datum = GenericDatumReader::builder(writer).reader_schema(reader).build().unwrap();
    datum.read_value(&mut &bytes[..]).unwrap()
}

fn decode<M: Message>(schema: &Schema, bytes: &[u8], message_type: &str) -> Option<M> {
    M::decode(message_type, Datum { schema, bytes }).unwrap()
}

#[track_caller]
fn round_trips<M: Kind>(message: &M) {
    let versions = versions::<M>(message.message_type());
    let newest = versions.last().unwrap();
    let bytes = write(newest, message);
    assert_eq!(decode(newest, &bytes, message.message_type()).as_ref(), Some(message));

    let foreign = serde_json::Value::try_from(read_as(newest, newest, &bytes)).unwrap();
    assert_eq!(foreign, serde_json::to_value(message).unwrap());
}

#[test]
fn every_message_round_trips_through_its_own_file() {
    Event::samples().iter().for_each(round_trips);
    Command::samples().iter().for_each(round_trips);
}

fn every_version_can_be_read<M: Kind>() {
    for message in M::samples() {
        let versions = versions::<M>(message.message_type());
        let newest = versions.last().unwrap();
        let bytes = write(newest, &message);
        for version in &versions {
            let earlier = GenericDatumWriter::builder(version).build().unwrap();
            let earlier = earlier.write_value_to_vec(read_as(version, newest, &bytes)).unwrap();
            assert!(decode::<M>(version, &earlier, message.message_type()).is_some());
        }
    }
}

#[test]
fn a_message_of_every_version_can_still_be_read() {
    every_version_can_be_read::<Event>();
    every_version_can_be_read::<Command>();
}

fn every_file_has_its_type<M: Kind>() {
    let files: BTreeSet<_> = fs::read_dir(folder::<M>())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let messages = M::samples().map(|message| snake_case(message.message_type()));
    assert_eq!(files, BTreeSet::from(messages));
}

#[test]
fn every_file_belongs_to_a_message() {
    every_file_has_its_type::<Event>();
    every_file_has_its_type::<Command>();
}

#[test]
fn a_message_of_another_name_is_not_ours() {
    assert_eq!(decode::<Event>(&Schema::Null, &[], "OrderShipped"), None);
    assert_eq!(decode::<Command>(&Schema::Null, &[], "ShipOrder"), None);
}

#[test]
fn an_event_is_not_written_by_the_schema_of_another() {
    let schema = &versions::<Event>("OrderCancelled")[0];
    let writer = GenericDatumWriter::builder(schema).build().unwrap();
    assert!(writer.write_ser_to_vec(&address_changed("Jena")).is_err());
}

proptest! {
    #[test]
    fn any_placed_order_round_trips(order in orders()) {
        round_trips(&Command::PlaceOrder(order.clone()));
        placed(order).iter().for_each(round_trips);
    }

    #[test]
    fn any_text_round_trips(text in any::<String>()) {
        round_trips(&Event::OrderCancelled(OrderCancelled { reason: text.clone() }));
        round_trips(&changed_to(&address_in(&text)));
    }
}
