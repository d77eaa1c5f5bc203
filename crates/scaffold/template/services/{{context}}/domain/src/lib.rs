//! The rules of {{an}} {{words}}: which commands it accepts, and which events follow. Everything here is pure: no clock
//! and no I/O. Services validate a [`Command`] before deciding on it.

pub mod commands;
mod decide;
pub mod events;
mod evolve;
mod refusal;
mod state;
#[cfg(test)]
mod tests;

pub use commands::{Command, Create{{Aggregate}}, Rename{{Aggregate}}};
pub use events::Event;
pub use refusal::Refusal;
pub use state::State;

/// {{An}} {{words}}.
pub struct {{Aggregate}};

impl aggregate::Aggregate for {{Aggregate}} {
    const NAME: &'static str = "{{aggregate}}";
    const STATE_VERSION: u32 = 1;

    type State = State;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
        decide::decide(state, command)
    }

    fn evolve(_: State, event: &Event) -> State {
        evolve::evolve(event)
    }
}
