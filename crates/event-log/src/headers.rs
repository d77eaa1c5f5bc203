//! An envelope as Kafka headers: `CloudEvents` 1.0 in the binary mode of its Kafka binding, and our own beside it.

use std::str::FromStr;

use aggregate::{AggregateId, Metadata, Version};
use rdkafka::message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{Envelope, NewRecord, Position, Recorded};

/// The media type of a payload: an Avro datum behind the framing of a Confluent-style registry.
const CONTENT_TYPE: &str = "application/vnd.confluent.avro";

/// Why a Kafka record is not an event of the platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecord {
    /// There is no key, or it is not an aggregate id.
    #[error("the key is not an aggregate id")]
    Key,
    /// There is no payload.
    #[error("there is no payload")]
    NoPayload,
    /// A header is missing.
    #[error("header {0} is missing")]
    Missing(&'static str),
    /// A header cannot be read.
    #[error("header {0} cannot be read")]
    Malformed(&'static str),
    /// The subject names another aggregate than the key.
    #[error("header ce_subject is not the key")]
    Subject,
}

/// The headers of a record.
pub(crate) fn write(record: &NewRecord) -> OwnedHeaders {
    let envelope = &record.envelope;
    let time = envelope.time.format(&Rfc3339).expect("a UTC time has an RFC 3339 form");
    let numbers =
        [envelope.version.0, envelope.request_hash, envelope.owner_epoch, envelope.partition_sequence];
    let [version, request_hash, owner_epoch, partition_sequence] = numbers.map(|number| number.to_string());
    [
        ("ce_specversion", "1.0"),
        ("ce_id", &envelope.event_id.to_string()),
        ("ce_source", &envelope.source),
        ("ce_type", &envelope.event_type),
        ("ce_time", &time),
        ("ce_subject", envelope.aggregate_id.as_str()),
        ("content-type", CONTENT_TYPE),
        ("aggregate_version", &version),
        ("command_id", &envelope.metadata.command_id.to_string()),
        ("request_hash", &request_hash),
        ("correlation_id", &envelope.metadata.correlation_id),
        ("causation_id", &envelope.metadata.causation_id),
        ("actor", &envelope.metadata.actor),
        ("owner_epoch", &owner_epoch),
        ("partition_sequence", &partition_sequence),
        ("traceparent", &envelope.metadata.traceparent),
    ]
    .into_iter()
    .fold(OwnedHeaders::new_with_capacity(16), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(value) })
    })
}

/// Reads a record of a consumer as an event.
pub(crate) fn read(message: &BorrowedMessage<'_>) -> Result<Recorded, InvalidRecord> {
    let key = message.key().and_then(|key| std::str::from_utf8(key).ok()).ok_or(InvalidRecord::Key)?;
    let aggregate_id = AggregateId::try_from(key).map_err(|_| InvalidRecord::Key)?;
    let fields = Fields(message);
    if fields.text("ce_subject")? != key {
        return Err(InvalidRecord::Subject);
    }
    Ok(Recorded {
        envelope: envelope(&fields, aggregate_id)?,
        position: position(message),
        payload: message.payload().ok_or(InvalidRecord::NoPayload)?.to_vec(),
    })
}

/// Where a record stands.
pub(crate) fn position(message: &BorrowedMessage<'_>) -> Position {
    Position { topic: message.topic().to_owned(), partition: message.partition(), offset: message.offset() }
}

fn envelope(fields: &Fields<'_>, aggregate_id: AggregateId) -> Result<Envelope, InvalidRecord> {
    let time = fields.text("ce_time")?;
    Ok(Envelope {
        aggregate_id,
        event_id: fields.parsed::<Uuid>("ce_id")?,
        event_type: fields.owned("ce_type")?,
        source: fields.owned("ce_source")?,
        time: OffsetDateTime::parse(time, &Rfc3339).map_err(|_| InvalidRecord::Malformed("ce_time"))?,
        version: Version(fields.parsed("aggregate_version")?),
        request_hash: fields.parsed("request_hash")?,
        owner_epoch: fields.parsed("owner_epoch")?,
        partition_sequence: fields.parsed("partition_sequence")?,
        metadata: Metadata {
            command_id: fields.parsed("command_id")?,
            correlation_id: fields.owned("correlation_id")?,
            causation_id: fields.owned("causation_id")?,
            actor: fields.owned("actor")?,
            traceparent: fields.owned("traceparent")?,
        },
    })
}

/// A record's headers, looked up by name.
struct Fields<'m>(&'m BorrowedMessage<'m>);

impl<'m> Fields<'m> {
    fn text(&self, name: &'static str) -> Result<&'m str, InvalidRecord> {
        let headers = self.0.headers().ok_or(InvalidRecord::Missing(name))?;
        let header = headers.iter().find(|header| header.key == name).ok_or(InvalidRecord::Missing(name))?;
        let value = header.value.ok_or(InvalidRecord::Malformed(name))?;
        std::str::from_utf8(value).map_err(|_| InvalidRecord::Malformed(name))
    }

    fn owned(&self, name: &'static str) -> Result<String, InvalidRecord> {
        self.text(name).map(str::to_owned)
    }

    fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T, InvalidRecord> {
        self.text(name)?.parse().map_err(|_| InvalidRecord::Malformed(name))
    }
}
