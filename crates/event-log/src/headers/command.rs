//! A command's envelope as Kafka headers. Two are required, `ce_id` and `ce_type`, so that any client in any language
//! can send a command. The others have defaults.

use aggregate::{AggregateId, Expected, Metadata, Version};
use rdkafka::message::{Message, OwnedHeaders};
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{CONTENT_TYPE, Fields, HeaderWriter, InvalidRecord, key, position};
use crate::{CommandEnvelope, CommandRecord, partition_of};

/// The longest header that is accepted, in bytes: it is copied into every event of the command and kept for ever.
const MAX_LENGTH: usize = 256;

/// The headers of a command. `source` is the context that it belongs to: `/orders`.
pub(crate) fn write(envelope: &CommandEnvelope, source: &str) -> OwnedHeaders {
    let metadata = &envelope.metadata;
    let headers = HeaderWriter::new(13)
        .text("ce_specversion", "1.0")
        .display("ce_id", metadata.command_id)
        .text("ce_source", source)
        .text("ce_type", &envelope.command_type)
        .time("ce_time", envelope.time)
        .text("ce_subject", envelope.aggregate_id.as_str())
        .text("content-type", CONTENT_TYPE)
        .display("request_hash", envelope.request_hash)
        .text("correlation_id", &metadata.correlation_id)
        .text("causation_id", &metadata.causation_id)
        .text("actor", &metadata.actor)
        .text("traceparent", &metadata.traceparent);
    match expected_text(&envelope.expected) {
        Some(expected) => headers.text("expected_version", &expected).headers,
        None => headers.headers,
    }
}

/// Reads a record of a commands topic with this many partitions.
pub(crate) fn read<M: Message>(message: &M, partitions: i32) -> CommandRecord {
    let command_id = Fields::of(message).parsed::<Uuid>("ce_id");
    CommandRecord {
        position: position(message),
        key: message.key().map(<[u8]>::to_vec),
        payload: message.payload().map(<[u8]>::to_vec),
        command_id: command_id.as_ref().ok().copied(),
        envelope: command_id.and_then(|id| envelope(message, id, partitions)),
    }
}

fn envelope<M: Message>(message: &M, id: Uuid, partitions: i32) -> Result<CommandEnvelope, InvalidRecord> {
    let fields = Fields::of(message);
    let aggregate_id = aggregate_id(message, partitions)?;
    let payload = message.payload().ok_or(InvalidRecord::NoPayload)?;
    let command_type = short(&fields, "ce_type")?.ok_or(InvalidRecord::Missing("ce_type"))?;
    let request_hash = match short(&fields, "request_hash")? {
        Some(_) => fields.parsed("request_hash")?,
        None => hash(payload),
    };
    Ok(CommandEnvelope {
        aggregate_id,
        command_type: command_type.to_owned(),
        expected: expected(short(&fields, "expected_version")?)?,
        request_hash,
        time: time(message, short(&fields, "ce_time")?)?,
        metadata: metadata(&fields, id)?,
    })
}

/// The key. It must be in the partition that it hashes to: no other owner knows its aggregate.
fn aggregate_id<M: Message>(message: &M, partitions: i32) -> Result<AggregateId, InvalidRecord> {
    let id = key(message)?;
    if Fields::of(message).optional("ce_subject")?.is_some_and(|subject| subject != id.as_str()) {
        return Err(InvalidRecord::Subject);
    }
    if partition_of(&id, partitions) == message.partition() { Ok(id) } else { Err(InvalidRecord::Partition) }
}

fn metadata(fields: &Fields<'_>, command_id: Uuid) -> Result<Metadata, InvalidRecord> {
    let or = |name, default: &dyn Fn() -> String| {
        short(fields, name).map(|text| text.map_or_else(|| default().into(), Into::into))
    };
    let id = || command_id.to_string();
    Ok(Metadata {
        command_id,
        correlation_id: or("correlation_id", &id)?,
        causation_id: or("causation_id", &id)?,
        actor: or("actor", &|| "anonymous".to_owned())?,
        traceparent: or("traceparent", &|| traceparent(command_id))?,
    })
}

/// A new trace for a sender that has none; it is not sampled.
fn traceparent(command_id: Uuid) -> String {
    format!("00-{}-{:016x}-00", command_id.simple(), command_id.as_u64_pair().1)
}

fn short<'m>(fields: &Fields<'m>, name: &'static str) -> Result<Option<&'m str>, InvalidRecord> {
    match fields.optional(name)? {
        Some(text) if text.len() > MAX_LENGTH => Err(InvalidRecord::Malformed(name)),
        found => Ok(found),
    }
}

fn hash(payload: &[u8]) -> u64 {
    let digest = Sha256::digest(payload);
    u64::from_be_bytes(digest[..8].try_into().expect("a SHA-256 has 32 bytes"))
}

/// The time that the sender gives, or else the timestamp of the record.
fn time<M: Message>(message: &M, text: Option<&str>) -> Result<OffsetDateTime, InvalidRecord> {
    let Some(text) = text else {
        let millis = i128::from(message.timestamp().to_millis().unwrap_or_default());
        return OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000)
            .map_err(|_| InvalidRecord::Malformed("ce_time"));
    };
    OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidRecord::Malformed("ce_time"))
}

fn expected(text: Option<&str>) -> Result<Expected, InvalidRecord> {
    match text {
        None => Some(Expected::Any),
        Some("absent") => Some(Expected::Absent),
        Some("present") => Some(Expected::Present),
        Some(versions) => versions.split(',').map(version).collect::<Option<_>>().map(Expected::OneOf),
    }
    .ok_or(InvalidRecord::Malformed("expected_version"))
}

fn version(text: &str) -> Option<Version> {
    text.trim().parse().ok().map(Version).filter(|version| *version != Version::NONE)
}

fn expected_text(expected: &Expected) -> Option<String> {
    match expected {
        Expected::Any => None,
        Expected::Absent => Some("absent".to_owned()),
        Expected::Present => Some("present".to_owned()),
        Expected::OneOf(versions) => {
            let numbers: Vec<_> = versions.iter().map(|version| version.0.to_string()).collect();
            Some(numbers.join(","))
        }
    }
}

#[cfg(test)]
mod tests;
