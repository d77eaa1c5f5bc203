//! What a business rule is made of: an [`Aggregate`] decides on a command and evolves by the events.
//!
//! Everything here is pure and synchronous. No clock, no randomness, no I/O: time, ids and looked-up facts
//! arrive inside the command, so that the same history always leads to the same state.
//!
//! The rules of an aggregate are tested as the business says them, with [`given`]:
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
//! #         f.write_str("the door is locked already")
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

pub use expected::Expected;
pub use id::{AggregateId, InvalidAggregateId};
pub use message::{Message, Payload};
pub use metadata::Metadata;
pub use scenario::{Decided, Given, given};
pub use version::Version;

use serde::{Serialize, de::DeserializeOwned};

/// The rules of one kind of aggregate, as a decider: commands in, events or a refusal out.
pub trait Aggregate: Send + 'static {
    /// The field's word for it, as it stands in logs and messages: `order`.
    const NAME: &'static str;

    /// Which generation of state and [`evolve`](Self::evolve) this is. Whoever changes what is kept, or what an event
    /// makes of it, counts on: snapshots of another generation are thrown away and folded anew from the log.
    const STATE_VERSION: u32;

    /// What the rules need to know of the past. `Default` is the aggregate that does not exist yet.
    type State: Default + Clone + Send + Sync + Serialize + DeserializeOwned;
    /// A request to change something, in the imperative: `PlaceOrder`.
    type Command: Clone + Send;
    /// A fact, in the past tense: `OrderPlaced`.
    type Event: Message;
    /// A rule's "no".
    type Refusal: Refusal;

    /// Decides what happens. No events means that the command is satisfied already.
    fn decide(state: &Self::State, command: Self::Command) -> Result<Vec<Self::Event>, Self::Refusal>;

    /// Applies a fact. It neither fails nor decides: what has happened has happened.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;

    /// The kind of aggregate that an event belongs to. A context with several kinds of aggregates says here which of
    /// them it is, with one `match`; everybody else keeps the default.
    fn kind(_event: &Self::Event) -> &'static str {
        Self::NAME
    }
}

/// A rule's "no", with a stable code and the facts that led to it.
///
/// The serialized form is a map of the facts, `{}` where there are none; `Display` is a sentence that is safe to
/// show to the caller.
pub trait Refusal: std::error::Error + Serialize + Clone + Send + Sync + 'static {
    /// A stable code in kebab case that clients may match on: `order-already-cancelled`.
    fn code(&self) -> &'static str;
}

/// The state that a history leads to, from the aggregate's very first event.
pub fn fold<'a, A: Aggregate>(history: impl IntoIterator<Item = &'a A::Event>) -> A::State
where
    A::Event: 'a,
{
    history.into_iter().fold(A::State::default(), A::evolve)
}
