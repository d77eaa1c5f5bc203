use aggregate::AggregateId;
use rdkafka::{
    Timestamp,
    message::{BorrowedMessage, Header, Headers, Message, OwnedHeaders, OwnedMessage},
};

use crate::{
    Continuity, InvalidRecord, Position, Recorded,
    headers::{self, Fields},
};

/// A record of a topic, whether or not it is a valid event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// The position of the record.
    pub position: Position,
    /// The key, if there is one.
    pub key: Option<Vec<u8>>,
    /// The headers, in order. A name may occur twice, and a value may be missing.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// The payload, if there is one.
    pub payload: Option<Vec<u8>>,
}

impl RawRecord {
    pub(crate) fn of(message: &BorrowedMessage<'_>) -> Self {
        Self {
            position: headers::position(message),
            key: message.key().map(<[u8]>::to_vec),
            headers: pairs(Fields::of(message).0),
            payload: message.payload().map(<[u8]>::to_vec),
        }
    }

    /// Parses the record as an event.
    pub fn read(&self) -> Result<Recorded, InvalidRecord> {
        let headers = self.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: value.as_ref() })
        });
        let Position { topic, partition, offset } = self.position.clone();
        headers::read(&OwnedMessage::new(
            self.payload.clone(),
            self.key.clone(),
            topic,
            Timestamp::NotAvailable,
            partition,
            offset,
            Some(headers),
        ))
    }

    /// The aggregate that the key names, if it is a valid id.
    pub fn aggregate_id(&self) -> Option<AggregateId> {
        AggregateId::try_from(str::from_utf8(self.key.as_ref()?).ok()?).ok()
    }

    /// The value of a header, if it is there and is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(key, _)| key == name)?;
        std::str::from_utf8(value.as_ref()?).ok()
    }

    /// The continuity after this invalid record: a record that an owner wrote has a number in the partition's sequence,
    /// any other has none.
    pub fn after(&self, before: Continuity) -> Continuity {
        let number = |name| self.text(name).and_then(|text| text.parse::<u64>().ok());
        match (number("partition_sequence"), number("owner_epoch")) {
            (Some(sequence), Some(epoch)) if sequence == before.sequence + 1 && epoch >= before.epoch => {
                Continuity { sequence, epoch }
            }
            _ => before,
        }
    }
}

impl From<Recorded> for RawRecord {
    fn from(recorded: Recorded) -> Self {
        Self {
            key: Some(recorded.envelope.aggregate_id.as_str().into()),
            headers: pairs(headers::write(&recorded.envelope).iter()),
            position: recorded.position,
            payload: Some(recorded.payload),
        }
    }
}

fn pairs<'h>(headers: impl IntoIterator<Item = Header<'h, &'h [u8]>>) -> Vec<(String, Option<Vec<u8>>)> {
    let pair = |header: Header<'_, &[u8]>| (header.key.to_owned(), header.value.map(<[u8]>::to_vec));
    headers.into_iter().map(pair).collect()
}

#[cfg(test)]
mod tests {
    use aggregate::{Metadata, Version};
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::{AggregateId, RawRecord};
    use crate::{Continuity, Envelope, InvalidRecord, Position, Recorded};

    fn record() -> RawRecord {
        let envelope = Envelope {
            aggregate_id: AggregateId::try_from("a-1").unwrap(),
            event_id: Uuid::from_u128(1),
            event_type: "clock.Ticked".to_owned(),
            source: "/clock".to_owned(),
            time: OffsetDateTime::UNIX_EPOCH,
            version: Version(7),
            request_hash: 3,
            owner_epoch: 2,
            partition_sequence: 9,
            metadata: Metadata {
                command_id: Uuid::from_u128(2),
                correlation_id: "c".into(),
                causation_id: "".into(),
                actor: "ü".into(),
                traceparent: "".into(),
            },
        };
        let position = Position { topic: "clock.events".to_owned(), partition: 1, offset: 17 };
        Recorded { envelope, position, payload: vec![0, 1] }.into()
    }

    #[test]
    fn an_event_can_be_read_from_a_raw_record() {
        let read = record().read().unwrap();
        assert_eq!(RawRecord::from(read), record());
    }

    #[test]
    fn the_reason_for_an_invalid_record_is_reported() {
        let wrong = |spoil: fn(&mut RawRecord)| {
            let mut record = record();
            spoil(&mut record);
            record.read().unwrap_err()
        };
        assert_eq!(wrong(|record| record.key = None), InvalidRecord::Key);
        assert_eq!(wrong(|record| record.payload = None), InvalidRecord::NoPayload);
        assert_eq!(wrong(|record| record.headers.clear()), InvalidRecord::Missing("ce_subject"));
    }

    #[test]
    fn only_a_record_with_the_next_number_advances_the_sequence() {
        let before = |sequence, epoch| Continuity { sequence, epoch };
        assert_eq!(record().after(before(8, 1)), before(9, 2));
        assert_eq!(record().after(before(9, 1)), before(9, 1));
        assert_eq!(record().after(before(8, 3)), before(8, 3));
    }
}
