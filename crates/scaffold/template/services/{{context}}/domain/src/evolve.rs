//! How each event changes the state. It makes no decisions and cannot fail.

use crate::{
    Event, State,
    events::{{{Aggregate}}Created, {{Aggregate}}Renamed},
};

pub(crate) fn evolve(event: &Event) -> State {
    match event {
        Event::{{Aggregate}}Created({{Aggregate}}Created { name })
        | Event::{{Aggregate}}Renamed({{Aggregate}}Renamed { name }) => State::Present { name: name.clone() },
    }
}
