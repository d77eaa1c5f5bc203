//! A command's envelope as Kafka headers. Two are required, `ce_id` and `ce_type`, so that any client in any language
//! can send a command. The others have defaults.

use aggregate::{AggregateId, Expected, Metadata, Version};
use rdkafka::message::{Header, Message, OwnedHeaders};
use sha2::{Digest, Sha256};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{CONTENT_TYPE, Fields, InvalidRecord, key, position, rfc3339};
use crate::{CommandEnvelope, CommandRecord, partition_of};

/// The longest header that is accepted, in bytes: it is copied into every event of the command and kept for ever.
const MAX_LENGTH: usize = 256;

/// The headers of a command. `source` is the context that it belongs to: `/orders`.
pub(crate) fn write(envelope: &CommandEnvelope, source: &str) -> OwnedHeaders {
    let metadata = &envelope.metadata;
    let expected = expected_text(&envelope.expected);
    [
        ("ce_specversion", Some("1.0")),
        ("ce_id", Some(metadata.command_id.to_string().as_str())),
        ("ce_source", Some(source)),
        ("ce_type", Some(envelope.command_type.as_str())),
        ("ce_time", Some(rfc3339(envelope.time).as_str())),
        ("ce_subject", Some(envelope.aggregate_id.as_str())),
        ("content-type", Some(CONTENT_TYPE)),
        ("request_hash", Some(envelope.request_hash.to_string().as_str())),
        ("correlation_id", Some(metadata.correlation_id.as_str())),
        ("causation_id", Some(metadata.causation_id.as_str())),
        ("actor", Some(metadata.actor.as_str())),
        ("traceparent", Some(metadata.traceparent.as_str())),
        ("expected_version", expected.as_deref()),
    ]
    .into_iter()
    .filter_map(|(key, value)| value.map(|value| Header { key, value: Some(value) }))
    .fold(OwnedHeaders::new_with_capacity(13), OwnedHeaders::insert)
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
        short(fields, name).map(|text| text.map_or_else(default, str::to_owned))
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
