//! Tests of the rules of {{an}} {{words}}, and of its messages against every version of their schemas.

use aggregate::given;
use garde::Validate;
use test_kit::schemas::Schemas;

use crate::{
    Command, Create{{Aggregate}}, Event, Refusal, Rename{{Aggregate}}, {{Aggregate}},
    events::{{{Aggregate}}Created, {{Aggregate}}Renamed},
};

fn create(name: &str) -> Command {
    Command::Create{{Aggregate}}(Create{{Aggregate}} { {{aggregate}}_id: None, name: name.to_owned() })
}

fn rename(name: &str) -> Command {
    Command::Rename{{Aggregate}}(Rename{{Aggregate}} { name: name.to_owned() })
}

fn created(name: &str) -> Event {
    Event::{{Aggregate}}Created({{Aggregate}}Created { name: name.to_owned() })
}

fn renamed(name: &str) -> Event {
    Event::{{Aggregate}}Renamed({{Aggregate}}Renamed { name: name.to_owned() })
}

#[test]
fn {{an}}_{{aggregate}}_is_created_once() {
    given::<{{Aggregate}}>([]).when(create("first")).then([created("first")]);
    given::<{{Aggregate}}>([created("first")]).when(create("second")).then_refused(Refusal::{{Aggregate}}AlreadyExists {});
}

#[test]
fn {{an}}_{{aggregate}}_is_renamed_when_the_name_differs() {
    given::<{{Aggregate}}>([created("first")]).when(rename("second")).then([renamed("second")]);
    given::<{{Aggregate}}>([created("first"), renamed("second")]).when(rename("second")).then_nothing();
}

#[test]
fn {{an}}_{{aggregate}}_that_does_not_exist_cannot_be_renamed() {
    given::<{{Aggregate}}>([]).when(rename("second")).then_refused(Refusal::{{Aggregate}}NotFound {});
}

#[test]
fn a_name_has_1_to_100_printable_characters() {
    for (name, is_valid) in [("", false), ("a\0b", false), (&"é".repeat(100), true), (&"é".repeat(101), false)] {
        assert_eq!(create(name).validate().is_ok(), is_valid, "{name}");
        assert_eq!(rename(name).validate().is_ok(), is_valid, "{name}");
    }
}

#[test]
fn every_message_matches_every_version_of_its_schema() {
    Schemas { context: "{{context}}", kind: "events" }.check(&[created("first"), renamed("second")]);
    Schemas { context: "{{context}}", kind: "commands" }.check(&[create("first"), rename("second")]);
}
