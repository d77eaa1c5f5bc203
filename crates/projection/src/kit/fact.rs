use std::fmt::Debug;

use aggregate::{AggregateId, Message, Payload};
use serde::de::DeserializeOwned;
use serde_json::Value;
use time::{Duration, OffsetDateTime, macros::datetime};

/// The time of the first fact of a scenario; the others follow at intervals of one second.
const FIRST: OffsetDateTime = datetime!(2026-01-01 00:00:00 UTC);

/// An event of an aggregate, as its context writes it. A projection may read only some of its fields.
#[derive(Debug, Clone)]
pub struct Fact {
    pub(super) aggregate_id: AggregateId,
    pub(super) event_type: String,
    fields: Fields,
}

/// Creates an event of an aggregate.
pub fn fact(aggregate_id: impl TryInto<AggregateId, Error: Debug>, event: &impl Message) -> Fact {
    Fact {
        aggregate_id: aggregate_id.try_into().expect("the text is a valid aggregate id"),
        event_type: event.message_type().to_owned(),
        fields: Fields(serde_json::to_value(event).expect("an event can be serialized")),
    }
}

/// The time of the fact with this number. The facts of a scenario are numbered from 1, starting with the given ones.
pub fn happened_at(number: usize) -> OffsetDateTime {
    let seconds = i64::try_from(number).expect("a scenario is short") - 1;
    FIRST + Duration::seconds(seconds)
}

impl Fact {
    /// Decodes the event as the projection does; `None` if the projection does not want events of this type.
    pub(super) fn read<E: Message>(&self, wants: fn(&str) -> bool) -> Option<E> {
        let name = &self.event_type;
        wants(name).then(|| {
            let event =
                E::decode(name, self.fields.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
            event.unwrap_or_else(|| {
                panic!("the projection wants {name}, but its event type does not decode it")
            })
        })
    }
}

/// A substitute for the Avro payload in the log; its fields are also matched by name.
#[derive(Debug, Clone)]
struct Fields(Value);

impl Payload for Fields {
    type Error = serde_json::Error;

    fn read<T: DeserializeOwned>(self) -> Result<T, serde_json::Error> {
        serde_json::from_value(self.0)
    }
}
