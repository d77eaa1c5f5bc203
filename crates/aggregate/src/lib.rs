//! The building blocks of business rules: an [`Aggregate`] decides on commands, and its state evolves with the events.
//!
//! Everything here is pure and synchronous: no clock, no randomness, no I/O. Time, ids and looked-up facts arrive in the
//! command, so that the same history always leads to the same state.
//!
//! Rules are tested in the words of the business, with [`given`]:
//!
//! ```
//! # use aggregate::{Aggregate, Message, Payload, Refusal, given};
//! # use serde::{Deserialize, Serialize};
//! # struct Door;
//! # #[derive(Clone)]
//! # enum Command { Lock }
//! # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
//! # struct DoorLocked {}
//! # impl Message for DoorLocked {
//! #     fn message_type(&self) -> &'static str { "DoorLocked" }
//! #     fn decode<P: Payload>(event_type: &str, payload: P) -> Result<Option<Self>, P::Error> {
//! #         if event_type == "DoorLocked" { payload.read().map(Some) } else { Ok(None) }
//! #     }
//! # }
//! # #[derive(Debug, Clone, PartialEq, Serialize)]
//! # struct AlreadyLocked {}
//! # impl std::fmt::Display for AlreadyLocked {
//! #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
//! #         f.write_str("the door is already locked")
//! #     }
//! # }
//! # impl std::error::Error for AlreadyLocked {}
//! # impl Refusal for AlreadyLocked { fn code(&self) -> &'static str { "already-locked" } }
//! impl Aggregate for Door {
//!     const NAME: &'static str = "door";
//!     const STATE_VERSION: u32 = 1;
//!     type State = bool;
//!     type Command = Command;
//!     type Event = DoorLocked;
//!     type Refusal = AlreadyLocked;
//!
//!     fn decide(locked: &bool, Command::Lock: Command) -> Result<Vec<DoorLocked>, AlreadyLocked> {
//!         if *locked { Err(AlreadyLocked {}) } else { Ok(vec![DoorLocked {}]) }
//!     }
//!
//!     fn evolve(_locked: bool, DoorLocked {}: &DoorLocked) -> bool {
//!         true
//!     }
//! }
//!
//! given::<Door>([]).when(Command::Lock).then([DoorLocked {}]);
//! given::<Door>([DoorLocked {}]).when(Command::Lock).then_refused(AlreadyLocked {});
//! ```

mod expected;
mod id;
mod message;
mod metadata;
mod scenario;
#[cfg(test)]
mod tests;
mod version;

pub use aggregate_derive::Message;
pub use expected::Expected;
pub use id::{AggregateId, InvalidAggregateId};
pub use message::{Message, Payload};
pub use metadata::Metadata;
pub use scenario::{Decided, Given, given};
pub use version::Version;

use serde::{Serialize, de::DeserializeOwned};

/// The rules of one kind of aggregate, as a decider: commands in, events or a refusal out.
pub trait Aggregate: Send + 'static {
    /// The name of the aggregate in logs and messages: `order`.
    const NAME: &'static str;

    /// The version of [`State`](Self::State) and [`evolve`](Self::evolve). Increase it whenever either changes: snapshots of
    /// another version are discarded and rebuilt from the log.
    const STATE_VERSION: u32;

    /// What the rules need to know about the past. `Default` is the state of an aggregate that does not exist yet.
    type State: Default + Clone + Send + Sync + Serialize + DeserializeOwned;
    /// A request to change something, in the imperative: `PlaceOrder`.
    type Command: Clone + Send;
    /// A fact, in the past tense: `OrderPlaced`.
    type Event: Message;
    /// Why a rule refuses a command.
    type Refusal: Refusal;

    /// Decides what happens. No events means that the command is already satisfied.
    fn decide(state: &Self::State, command: Self::Command) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// Applies an event. It neither fails nor decides: the event has happened.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;

    /// The kind of aggregate that an event belongs to. A context with several kinds of aggregates says here which of
    /// them it is, with one `match`; everybody else keeps the default.
    fn kind(_event: &Self::Event) -> &'static str {
        Self::NAME
    }
}

/// Why a command is refused: a stable code, and the facts that led to it.
///
/// It serializes as a map of the facts, `{}` if there are none. Its `Display` is a sentence that is safe to show to the
/// caller.
pub trait Refusal: std::error::Error + Serialize + Clone + Send + Sync + 'static {
    /// A stable code in kebab case that clients may match on: `order-already-cancelled`.
    fn code(&self) -> &'static str;
}

/// Folds a history, from the first event of the aggregate, into its state.
pub fn fold<'a, A: Aggregate>(history: impl IntoIterator<Item = &'a A::Event>) -> A::State
where
    A::Event: 'a,
{
    history.into_iter().fold(A::State::default(), A::evolve)
}
