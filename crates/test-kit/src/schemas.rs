//! Checks that the message types of a context match its schema files. The files are the contract: they are written by
//! hand, and every published version stays.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]

use std::{collections::BTreeSet, fmt::Debug, fs, path::PathBuf};

use aggregate::{Message, Payload};
use apache_avro::{
    Schema, reader::datum::GenericDatumReader, types::Value, writer::datum::GenericDatumWriter,
};
use serde::de::DeserializeOwned;

use crate::repository;

/// The messages of one kind, such as the events of `orders`: the folder `schemas/orders/events`.
#[derive(Debug, Clone, Copy)]
pub struct Schemas {
    /// The context: `orders`.
    pub context: &'static str,
    /// The kind of messages: `events` or `commands`.
    pub kind: &'static str,
}

impl Schemas {
    /// Checks the type `M` against every file of the folder, given a sample of each of its messages:
    ///
    /// - each message has schema files, and each schema file has a message;
    /// - each sample [round-trips](Self::round_trips) through the newest version of its schema;
    /// - a sample written with any earlier version can still be read;
    /// - a message with an unknown name is not decoded.
    #[track_caller]
    pub fn check<M: Message + Debug + PartialEq>(self, samples: &[M]) {
        let names: BTreeSet<_> = samples.iter().map(|sample| snake_case(sample.message_type())).collect();
        assert_eq!(self.messages(), names, "the folder has one entry for each message");
        for sample in samples {
            self.round_trips(sample);
            self.every_version_is_readable(sample);
        }
        assert_eq!(decode::<M>(&Schema::Null, &[], "NoSuchMessage"), None);
    }

    /// Checks that a message is read back unchanged, and that a reader without our types sees the same JSON.
    #[track_caller]
    pub fn round_trips<M: Message + Debug + PartialEq>(self, message: &M) {
        let message_type = message.message_type();
        let (newest, bytes) = self.written(message);
        assert_eq!(decode(&newest, &bytes, message_type).as_ref(), Some(message));
        let foreign = serde_json::Value::try_from(read_as(&newest, &newest, &bytes)).unwrap();
        assert_eq!(foreign, serde_json::to_value(message).unwrap());
    }

    fn every_version_is_readable<M: Message>(self, message: &M) {
        let message_type = message.message_type();
        let (newest, bytes) = self.written(message);
        for (number, version) in (1..).zip(self.versions(&snake_case(message_type))) {
            let version = parse(&version);
            let writer = GenericDatumWriter::builder(&version).build().unwrap();
            let earlier = writer.write_value_to_vec(read_as(&version, &newest, &bytes)).unwrap();
            let read = decode::<M>(&version, &earlier, message_type);
            assert!(read.is_some(), "{message_type} v{number} can be read");
        }
    }

    /// Encodes the message with the newest version of its schema.
    fn written(self, message: &impl Message) -> (Schema, Vec<u8>) {
        let versions = self.versions(&snake_case(message.message_type()));
        let newest = parse(versions.last().expect("a message has at least one version"));
        let bytes = GenericDatumWriter::builder(&newest).build().unwrap().write_ser_to_vec(message).unwrap();
        (newest, bytes)
    }

    /// The names of the folders, one for each message.
    fn messages(self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.folder()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// The files of a message, oldest first.
    fn versions(self, message: &str) -> Vec<String> {
        let folder = self.folder().join(message);
        let count = fs::read_dir(&folder).unwrap().count();
        let files = (1..=count).map(|version| folder.join(format!("v{version}.avsc")));
        files.map(|file| fs::read_to_string(file).expect("versions are numbered without gaps")).collect()
    }

    fn folder(self) -> PathBuf {
        repository().join("schemas").join(self.context).join(self.kind)
    }
}

/// The bytes of a message with the schema that wrote them.
struct Datum<'a> {
    schema: &'a Schema,
    bytes: &'a [u8],
}

impl Payload for Datum<'_> {
    type Error = apache_avro::Error;

    fn read<T: DeserializeOwned>(self) -> Result<T, apache_avro::Error> {
        let mut rest = self.bytes;
        let message = GenericDatumReader::builder(self.schema).build()?.read_deser(&mut rest)?;
        assert!(rest.is_empty(), "the whole message is read");
        Ok(message)
    }
}

fn parse(schema: &str) -> Schema {
    Schema::parse_str(schema).unwrap()
}

/// Decodes the bytes with the reader's own schema, and without our types.
fn read_as(reader: &Schema, writer: &Schema, bytes: &[u8]) -> Value {
    let datum = GenericDatumReader::builder(writer).reader_schema(reader).build().unwrap();
    datum.read_value(&mut &bytes[..]).unwrap()
}

fn decode<M: Message>(schema: &Schema, bytes: &[u8], message_type: &str) -> Option<M> {
    M::decode(message_type, Datum { schema, bytes }).unwrap()
}

/// `OrderPlaced` becomes `order_placed`.
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
