//! Encodes and decodes events and commands: Avro in the registry's wire format, `0x00 | schema id (u32, big endian) |
//! datum`.

mod encoded;
mod error;
mod readers;

use std::{collections::HashMap, sync::Arc};

use aggregate::{Message, Payload};
use apache_avro::{Schema, writer::datum::GenericDatumWriter};
use serde::{Serialize, de::DeserializeOwned};
use tokio::runtime::Handle;

use crate::{
    CommandEnvelope, Recorded, RegisteredSchema, Registry, SchemaFile,
    schema_file::{Versions, by_message},
};
use encoded::{Encoded, unframe};
pub use error::CodecError;
use readers::{Reader, Readers};

/// The first byte of every payload.
const MAGIC: u8 = 0;
/// The largest allocation when decoding, in bytes. No message needs more, and a hostile length must not exhaust memory.
const MAX_ALLOCATION: usize = 8 * 1024 * 1024;

/// Writes messages with the newest schema of their type, and reads them with the schema they were written with.
///
/// All schemas are registered and loaded at the start, so writing never asks the registry. Reading asks it once for
/// each schema that is not loaded yet.
pub struct Codec {
    registry: Option<(Registry, Handle)>,
    writers: HashMap<String, Writer>,
    readers: Arc<Readers>,
    registered: Vec<RegisteredSchema>,
}

struct Writer {
    id: u32,
    full_name: String,
    datum: GenericDatumWriter<'static>,
}

impl Codec {
    /// Registers and loads every version of every schema of these topics. The subject follows `TopicRecordName` (topic
    /// and full name) and must be fully, transitively compatible. Events belong to the events topic, commands to the
    /// commands topic.
    pub async fn register(
        registry: Registry,
        topics: &[(String, &[SchemaFile])],
    ) -> Result<Self, CodecError> {
        let mut codec = Self::empty(Some((registry.clone(), Handle::current())));
        for (topic, files) in topics {
            for (full_name, versions) in by_message(files)? {
                codec.register_versions(&registry, &format!("{topic}-{full_name}"), versions).await?;
            }
        }
        Ok(codec)
    }

    async fn register_versions(
        &mut self,
        registry: &Registry,
        subject: &str,
        versions: Versions,
    ) -> Result<(), CodecError> {
        for (version, (text, schema)) in (1..).zip(versions) {
            let id = registry.register(subject, text).await?;
            if version == 1 {
                registry.require_full_compatibility(subject).await?;
            }
            self.load(id, schema)?;
            let (subject, schema) = (subject.to_owned(), text.to_owned());
            self.registered.push(RegisteredSchema { subject, version, id, schema });
        }
        Ok(())
    }

    /// The same with the ids that were recorded when these schemas were registered. Does not ask the registry. `None` if there is no record of one of them.
    pub fn recorded(
        registry: Registry,
        topics: &[(String, &[SchemaFile])],
        recorded: &[RegisteredSchema],
    ) -> Result<Option<Self>, CodecError> {
        let mut codec = Self::empty(Some((registry, Handle::current())));
        for (topic, files) in topics {
            for (full_name, versions) in by_message(files)? {
                let subject = format!("{topic}-{full_name}");
                for (text, schema) in versions {
                    let is_this = |one: &&RegisteredSchema| one.subject == subject && one.schema == text;
                    let Some(found) = recorded.iter().find(is_this) else { return Ok(None) };
                    codec.load(found.id, schema)?;
                    codec.registered.push(found.clone());
                }
            }
        }
        Ok(Some(codec))
    }

    /// The schemas that it has registered, or whose ids were recorded.
    pub fn registered(&self) -> &[RegisteredSchema] {
        &self.registered
    }

    /// A codec that only reads. Must be created within a tokio runtime, and used outside its worker threads.
    pub fn reading(registry: Registry) -> Self {
        Self::empty(Some((registry, Handle::current())))
    }

    /// A codec without a registry that assigns its own ids, for tests.
    pub fn offline(files: &[SchemaFile]) -> Result<Self, CodecError> {
        let mut codec = Self::empty(None);
        for (id, (_, schema)) in (1..).zip(by_message(files)?.into_values().flatten()) {
            codec.load(id, schema)?;
        }
        Ok(codec)
    }

    fn empty(registry: Option<(Registry, Handle)>) -> Self {
        apache_avro::util::max_allocation_bytes(MAX_ALLOCATION);
        Self { registry, writers: HashMap::new(), readers: Arc::default(), registered: Vec::new() }
    }

    /// Loads a schema: for reading, and for writing until a newer version of its type is loaded.
    fn load(&mut self, id: u32, schema: Schema) -> Result<(), CodecError> {
        // The datum reader and writer borrow their schema. There is one for each published version, and it is needed
        // until the process ends, so leaking it is harmless.
        let schema: &'static Schema = Box::leak(Box::new(schema));
        let reader = Reader::of(schema)?;
        let short_name = reader.full_name.rsplit('.').next().unwrap_or_default().to_owned();
        let datum = GenericDatumWriter::builder(schema).build().map_err(Box::new)?;
        self.writers.insert(short_name, Writer { id, full_name: reader.full_name.to_owned(), datum });
        self.readers.insert(id, reader);
        Ok(())
    }

    /// The full name of a message type, with its namespace.
    pub fn full_name(&self, message_type: &str) -> Result<&str, CodecError> {
        self.writer(message_type).map(|writer| writer.full_name.as_str())
    }

    /// Encodes a message. A payload that cannot be decoded again is an error: it would stay in the log for ever.
    pub fn encode<M: Message>(&self, message: &M) -> Result<Vec<u8>, CodecError> {
        let name = message.message_type();
        let writer = self.writer(name)?;
        let payload = write(writer, message)?;
        self.decode_payload::<M>(name, &writer.full_name, &payload)?;
        Ok(payload)
    }

    /// Decodes an event into the enum of its context.
    pub fn decode<M: Message>(&self, recorded: &Recorded) -> Result<M, CodecError> {
        let envelope = &recorded.envelope;
        self.decode_payload(envelope.short_type(), &envelope.event_type, &recorded.payload)
    }

    /// Decodes a command into the enum of its context. Anybody can send a command, so its type must be one of those
    /// loaded. It does not wait for the registry: [`CodecError::NotLoaded`] if the schema is not loaded yet.
    pub fn decode_command<M: Message>(
        &self,
        envelope: &CommandEnvelope,
        payload: &[u8],
    ) -> Result<M, CodecError> {
        let (name, full_name) = (envelope.short_type(), &envelope.command_type);
        match self.writer(name) {
            Ok(writer) if writer.full_name == *full_name => {
                self.require_schema(payload)?;
                self.decode_payload(name, full_name, payload)
            }
            _ => Err(CodecError::UnknownType(full_name.clone())),
        }
    }

    /// Decodes an event into any type whose fields are part of its schema; other fields are ignored.
    pub fn read<T: DeserializeOwned>(&self, recorded: &Recorded) -> Result<T, CodecError> {
        self.encoded(&recorded.envelope.event_type, &recorded.payload).read()
    }

    /// Decodes an event of any type to JSON.
    pub fn read_json(&self, recorded: &Recorded) -> Result<serde_json::Value, CodecError> {
        let encoded = self.encoded(&recorded.envelope.event_type, &recorded.payload);
        encoded.read_with(|reader, datum| reader.read_value(datum)?.try_into())
    }

    fn decode_payload<M: Message>(
        &self,
        name: &str,
        full_name: &str,
        payload: &[u8],
    ) -> Result<M, CodecError> {
        let message = M::decode(name, self.encoded(full_name, payload))?;
        message.ok_or_else(|| CodecError::UnknownType(name.to_owned()))
    }

    const fn encoded<'a>(&'a self, full_name: &'a str, payload: &'a [u8]) -> Encoded<'a> {
        Encoded { codec: self, full_name, payload }
    }

    fn writer(&self, message_type: &str) -> Result<&Writer, CodecError> {
        self.writers.get(message_type).ok_or_else(|| CodecError::UnknownType(message_type.to_owned()))
    }

    /// The reader of a schema; the registry is asked for one that is not loaded yet. Blocks meanwhile.
    fn reader(&self, id: u32) -> Result<Reader, CodecError> {
        match (self.readers.get(id)?, &self.registry) {
            (Some(reader), _) => Ok(reader),
            (None, None) => Err(unknown_id(id)),
            #[expect(clippy::disallowed_methods, reason = "whoever decodes has a thread of its own")]
            (None, Some((registry, runtime))) => runtime.block_on(self.readers.fetch(registry, id)),
        }
    }

    /// Fails if the schema of a payload is not loaded yet, and asks the registry for it in the background.
    fn require_schema(&self, payload: &[u8]) -> Result<(), CodecError> {
        let (id, _) = unframe(payload)?;
        match (self.readers.get(id)?, &self.registry) {
            (Some(_), _) => Ok(()),
            (None, None) => Err(unknown_id(id)),
            (None, Some((registry, runtime))) => {
                runtime.spawn(Arc::clone(&self.readers).fetch_once(registry.clone(), id));
                Err(CodecError::NotLoaded(id))
            }
        }
    }
}

fn unknown_id(id: u32) -> CodecError {
    CodecError::UnknownType(format!("with schema id {id}"))
}

fn write<T: Serialize>(writer: &Writer, message: &T) -> Result<Vec<u8>, CodecError> {
    let mut bytes = Vec::with_capacity(256);
    bytes.push(MAGIC);
    bytes.extend(writer.id.to_be_bytes());
    writer.datum.write_ser(&mut bytes, message).map_err(Box::new)?;
    Ok(bytes)
}
