//! The size of records. One that is too large would fail its transaction however often it is sent, so it must not become
//! part of one.

use crate::{NewOutcome, NewRecord};

/// The largest record that the client sends, in bytes: its `message.max.bytes`. Topics accept a little more by default
/// (`max.message.bytes`, 1,048,588), which leaves room for the framing of a batch.
pub(crate) const MAX_RECORD_BYTES: usize = 1_000_000;

/// What a record has besides its payload and texts of any length, at most: the names of its headers, values of limited
/// length, and framing.
const OVERHEAD: usize = 1_024;

impl NewRecord {
    /// Whether Kafka may refuse the record because of its size.
    pub fn is_too_large(&self) -> bool {
        self.size() > MAX_RECORD_BYTES
    }

    /// The most bytes that it can have.
    fn size(&self) -> usize {
        let envelope = &self.envelope;
        let (id, metadata) = (envelope.aggregate_id.as_str(), &envelope.metadata);
        // The id is both the key and a header.
        let texts = [
            id,
            id,
            &envelope.event_type,
            &envelope.source,
            &metadata.correlation_id,
            &metadata.causation_id,
            &metadata.actor,
            &metadata.traceparent,
        ];
        OVERHEAD + self.payload.len() + texts.into_iter().map(str::len).sum::<usize>()
    }
}

impl NewOutcome {
    /// Whether Kafka may refuse the outcome because of its size.
    pub fn is_too_large(&self) -> bool {
        OVERHEAD + self.key.len() + self.document.len() > MAX_RECORD_BYTES
    }
}

#[cfg(test)]
mod tests {
    use aggregate::{AggregateId, Metadata, Version};
    use rdkafka::message::Headers;
    use uuid::Uuid;

    use crate::{Envelope, NewRecord, headers, now};

    /// The most bytes that librdkafka counts for the framing of a record and of a header.
    const FRAMING: (usize, usize) = (36, 20);

    #[test]
    fn a_record_is_never_larger_than_it_is_said_to_be() {
        let text = "x".repeat(100);
        let envelope = Envelope {
            aggregate_id: AggregateId::try_from(&*text).unwrap(),
            event_id: Uuid::now_v7(),
            event_type: text.clone(),
            source: text.clone(),
            time: now(),
            version: Version(u64::MAX),
            request_hash: u64::MAX,
            owner_epoch: u64::MAX,
            partition_sequence: u64::MAX,
            metadata: Metadata {
                command_id: Uuid::now_v7(),
                correlation_id: text.as_str().into(),
                causation_id: text.as_str().into(),
                actor: text.as_str().into(),
                traceparent: text.as_str().into(),
            },
        };
        let record = NewRecord { partition: 0, envelope, payload: vec![0; 100] };
        let headers = headers::write(&record.envelope);
        let headers = headers.iter().map(|header| header.key.len() + header.value.unwrap().len() + FRAMING.1);
        let size = FRAMING.0 + text.len() + record.payload.len() + headers.sum::<usize>();
        assert!((size..size + 400).contains(&record.size()), "{size}, said to be {}", record.size());
    }
}
