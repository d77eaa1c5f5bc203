//! The kit, tested on the smallest aggregate that accepts, refuses, and finds a command already satisfied.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{Aggregate, AggregateId, InvalidAggregateId, Message, Payload, Refusal, Version, fold, given};

struct Door;

#[derive(Clone)]
enum Command {
    Lock,
    BreakIn,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct DoorLocked {}

#[derive(Debug, Clone, PartialEq, Serialize)]
struct DoorIsStrong {}

impl Message for DoorLocked {
    fn message_type(&self) -> &'static str {
        "DoorLocked"
    }

    fn decode<P: Payload>(event_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
        if event_type == "DoorLocked" { payload.read().map(Some) } else { Ok(None) }
    }
}

impl fmt::Display for DoorIsStrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the door is too strong")
    }
}

impl std::error::Error for DoorIsStrong {}

impl Refusal for DoorIsStrong {
    fn code(&self) -> &'static str {
        "door-is-strong"
    }
}

impl Aggregate for Door {
    const NAME: &'static str = "door";
    const STATE_VERSION: u32 = 1;
    /// How often it was locked.
    type State = u32;
    type Command = Command;
    type Event = DoorLocked;
    type Refusal = DoorIsStrong;

    fn decide(locked: &u32, command: Command) -> Result<Vec<DoorLocked>, DoorIsStrong> {
        match command {
            Command::Lock if *locked == 0 => Ok(vec![DoorLocked {}]),
            Command::Lock => Ok(vec![]),
            Command::BreakIn => Err(DoorIsStrong {}),
        }
    }

    fn evolve(locked: u32, DoorLocked {}: &DoorLocked) -> u32 {
        locked + 1
    }
}

#[test]
fn a_scenario_passes_when_the_decision_is_the_expected_one() {
    given::<Door>([]).when(Command::Lock).then([DoorLocked {}]);
    given::<Door>([DoorLocked {}]).when(Command::Lock).then_nothing();
    given::<Door>([]).when(Command::BreakIn).then_refused(DoorIsStrong {});
}

#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn a_scenario_fails_when_other_events_follow() {
    given::<Door>([]).when(Command::Lock).then_nothing();
}

#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn a_scenario_fails_when_events_follow_instead_of_a_refusal() {
    given::<Door>([]).when(Command::Lock).then_refused(DoorIsStrong {});
}

#[test]
#[should_panic(expected = "assertion `left == right` failed")]
fn a_scenario_fails_when_a_refusal_follows_instead_of_nothing() {
    given::<Door>([]).when(Command::BreakIn).then_nothing();
}

#[test]
fn a_fold_applies_every_event_of_the_history() {
    assert_eq!(fold::<Door>(&[]), 0);
    assert_eq!(fold::<Door>(&[DoorLocked {}, DoorLocked {}]), 2);
}

/// A payload that fails when it is read.
struct Unread;

impl Payload for Unread {
    type Error = &'static str;

    fn read<T: DeserializeOwned>(self) -> Result<T, &'static str> {
        Err("read")
    }
}

#[test]
fn a_payload_is_read_only_for_a_name_that_is_known() {
    assert_eq!(DoorLocked::decode("DoorLocked", Unread), Err("read"));
    assert_eq!(DoorLocked::decode("DoorPainted", Unread), Ok(None));
}

#[test]
fn an_id_has_1_to_128_visible_ascii_characters() {
    for text in ["o", "0197a3c2", "tenant/7:order~1", &"x".repeat(128)] {
        assert_eq!(AggregateId::try_from(text).map(|id| id.to_string()), Ok(text.to_owned()));
    }
    for text in ["", " ", "a b", "a\n", "a\0", "ü", &"x".repeat(129)] {
        assert_eq!(AggregateId::try_from(text), Err(InvalidAggregateId), "{text:?}");
    }
}

#[test]
fn a_uuid_becomes_an_id_in_its_usual_spelling() {
    let id = AggregateId::from(Uuid::from_u128(0x0197_A3C2 << 96));
    assert_eq!(id.as_str(), "0197a3c2-0000-0000-0000-000000000000");
}

#[test]
fn versions_count_events_from_one() {
    assert_eq!(Version::NONE.next(), Version(1));
    assert_eq!(Version(1).next(), Version::NONE.plus(2));
    assert_eq!(Version(3).to_string(), "3");
}
