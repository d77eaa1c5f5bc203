//! An envelope as Kafka headers: `CloudEvents` 1.0 in the binary mode of its Kafka protocol binding, plus headers of
//! our own.

pub(crate) mod command;

use std::{
    fmt::Display,
    io::Write as _,
    panic::{AssertUnwindSafe, catch_unwind},
    str::FromStr,
};

use aggregate::{AggregateId, Metadata, Version};
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{Envelope, Position, Recorded};

/// The media type of a payload: an Avro datum in the wire format of a Confluent-compatible registry.
const CONTENT_TYPE: &str = "application/vnd.confluent.avro";

/// Why a Kafka record is not a valid event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecord {
    /// The key is missing, or it is not an aggregate id.
    #[error("the key is not an aggregate id")]
    Key,
    /// There is no payload.
    #[error("there is no payload")]
    NoPayload,
    /// A header is missing.
    #[error("header {0} is missing")]
    Missing(&'static str),
    /// A header has an invalid value.
    #[error("header {0} cannot be read")]
    Malformed(&'static str),
    /// The subject names another aggregate than the key.
    #[error("header ce_subject is not the key")]
    Subject,
    /// The key belongs to another partition: the sender does not use murmur2, as Kafka's Java client does.
    #[error("the key belongs to another partition")]
    Partition,
}

/// The headers of an event's record.
pub(crate) fn write(envelope: &Envelope) -> OwnedHeaders {
    let metadata = &envelope.metadata;
    HeaderWriter::new(16)
        .text("ce_specversion", "1.0")
        .display("ce_id", envelope.event_id)
        .text("ce_source", &envelope.source)
        .text("ce_type", &envelope.event_type)
        .time("ce_time", envelope.time)
        .text("ce_subject", envelope.aggregate_id.as_str())
        .text("content-type", CONTENT_TYPE)
        .display("aggregate_version", envelope.version.0)
        .display("command_id", metadata.command_id)
        .display("request_hash", envelope.request_hash)
        .text("correlation_id", &metadata.correlation_id)
        .text("causation_id", &metadata.causation_id)
        .text("actor", &metadata.actor)
        .display("owner_epoch", envelope.owner_epoch)
        .display("partition_sequence", envelope.partition_sequence)
        .text("traceparent", &metadata.traceparent)
        .headers
}

/// Writes headers. Values that are not text yet are formatted in a buffer that is used again.
pub(crate) struct HeaderWriter {
    pub(crate) headers: OwnedHeaders,
    buffer: Vec<u8>,
}

impl HeaderWriter {
    pub(crate) fn new(count: usize) -> Self {
        Self { headers: OwnedHeaders::new_with_capacity(count), buffer: Vec::with_capacity(64) }
    }

    pub(crate) fn text(self, key: &str, value: &str) -> Self {
        let Self { headers, buffer } = self;
        Self { headers: headers.insert(Header { key, value: Some(value) }), buffer }
    }

    pub(crate) fn display(self, key: &str, value: impl Display) -> Self {
        self.formatted(key, |buffer| write!(buffer, "{value}").expect("a buffer takes everything"))
    }

    pub(crate) fn time(self, key: &str, time: OffsetDateTime) -> Self {
        self.formatted(key, |buffer| {
            time.format_into(buffer, &Rfc3339).expect("a UTC time has an RFC 3339 form");
        })
    }

    fn formatted(self, key: &str, format: impl FnOnce(&mut Vec<u8>)) -> Self {
        let Self { headers, mut buffer } = self;
        buffer.clear();
        format(&mut buffer);
        Self { headers: headers.insert(Header { key, value: Some(&buffer) }), buffer }
    }
}

/// Reads a record as an event.
pub(crate) fn read(message: &impl Message) -> Result<Recorded, InvalidRecord> {
    let aggregate_id = key(message)?;
    let fields = Fields::of(message);
    if fields.text("ce_subject")? != aggregate_id.as_str() {
        return Err(InvalidRecord::Subject);
    }
    Ok(Recorded {
        envelope: envelope(&fields, aggregate_id)?,
        position: position(message),
        payload: message.payload().ok_or(InvalidRecord::NoPayload)?.to_vec(),
    })
}

/// The position of a record.
pub(crate) fn position(message: &impl Message) -> Position {
    Position { topic: message.topic().to_owned(), partition: message.partition(), offset: message.offset() }
}

fn key(message: &impl Message) -> Result<AggregateId, InvalidRecord> {
    let text = message.key().and_then(|key| std::str::from_utf8(key).ok()).ok_or(InvalidRecord::Key)?;
    AggregateId::try_from(text).map_err(|_| InvalidRecord::Key)
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
            correlation_id: fields.text("correlation_id")?.into(),
            causation_id: fields.text("causation_id")?.into(),
            actor: fields.text("actor")?.into(),
            traceparent: fields.text("traceparent")?.into(),
        },
    })
}

/// A record's headers, looked up by name.
pub(crate) struct Fields<'m>(pub(crate) Vec<Header<'m, &'m [u8]>>);

impl<'m> Fields<'m> {
    pub(crate) fn of(message: &'m impl Message) -> Self {
        Self::read(message.headers())
    }

    /// The client library panics at a header name that is not UTF-8, and anybody can send one. Such a record is read as
    /// if it had no headers.
    fn read(headers: Option<&'m impl Headers>) -> Self {
        let all = || headers.map(|headers| headers.iter().collect()).unwrap_or_default();
        Self(catch_unwind(AssertUnwindSafe(all)).unwrap_or_default())
    }

    fn text(&self, name: &'static str) -> Result<&'m str, InvalidRecord> {
        self.optional(name)?.ok_or(InvalidRecord::Missing(name))
    }

    fn optional(&self, name: &'static str) -> Result<Option<&'m str>, InvalidRecord> {
        let Some(header) = self.0.iter().find(|header| header.key == name) else {
            return Ok(None);
        };
        let text = header.value.and_then(|value| std::str::from_utf8(value).ok());
        text.map(Some).ok_or(InvalidRecord::Malformed(name))
    }

    fn owned(&self, name: &'static str) -> Result<String, InvalidRecord> {
        self.text(name).map(str::to_owned)
    }

    fn parsed<T: FromStr>(&self, name: &'static str) -> Result<T, InvalidRecord> {
        self.text(name)?.parse().map_err(|_| InvalidRecord::Malformed(name))
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::message::Header;

    use super::{Fields, Headers};

    /// A record has a header name that the client library cannot read.
    struct UnreadableName;

    impl Headers for UnreadableName {
        fn count(&self) -> usize {
            1
        }

        fn try_get(&self, _index: usize) -> Option<Header<'_, &[u8]>> {
            panic!("a name that is not UTF-8")
        }
    }

    #[test]
    fn a_header_name_that_is_not_utf8_stops_no_reader() {
        assert!(Fields::read(Some(&UnreadableName)).0.is_empty());
    }
}
