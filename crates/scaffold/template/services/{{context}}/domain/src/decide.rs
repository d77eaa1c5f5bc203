//! The decision for every state and command.

use crate::{
    Command, Event, Refusal, State,
    events::{{{Aggregate}}Created, {{Aggregate}}Renamed},
};

pub(crate) fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
    match (state, command) {
        (State::Absent, Command::Create{{Aggregate}}(create)) => {
            Ok(vec![Event::{{Aggregate}}Created({{Aggregate}}Created { name: create.name })])
        }
        (State::Present { .. }, Command::Create{{Aggregate}}(_)) => Err(Refusal::{{Aggregate}}AlreadyExists {}),
        (State::Absent, Command::Rename{{Aggregate}}(_)) => Err(Refusal::{{Aggregate}}NotFound {}),
        // It already has this name, so there is no event.
        (State::Present { name }, Command::Rename{{Aggregate}}(rename)) if *name == rename.name => Ok(vec![]),
        (State::Present { .. }, Command::Rename{{Aggregate}}(rename)) => {
            Ok(vec![Event::{{Aggregate}}Renamed({{Aggregate}}Renamed { name: rename.name })])
        }
    }
}
