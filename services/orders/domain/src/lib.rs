//! The rules of an order: which commands it accepts, and which events result.
//!
//! Everything here is pure and synchronous: it must not read a clock or do I/O. Services validate a [`Command`] before
//! the decision, so refusals depend only on the state of the order.
//!
//! ```
//! use aggregate::Aggregate;
//! use orders_domain::{CancelOrder, Command, Order, Refusal, State};
//!
//! let cancel = Command::CancelOrder(CancelOrder { reason: "changed my mind".to_owned() });
//! assert_eq!(Order::decide(&State::NotPlaced, cancel), Err(Refusal::OrderNotFound {}));
//! ```

mod address;
pub mod commands;
mod decide;
pub mod events;
mod evolve;
mod refusal;
mod state;
#[cfg(test)]
mod tests;
mod validation;

pub use address::DeliveryAddress;
pub use commands::{CancelOrder, ChangeDeliveryAddress, Command, PlaceOrder};
pub use events::Event;
pub use refusal::Refusal;
pub use state::{AddressFingerprint, State};

/// An order, from placement to cancellation.
pub struct Order;

impl aggregate::Aggregate for Order {
    const NAME: &'static str = "order";
    const STATE_VERSION: u32 = 1;

    type State = State;
    type Command = Command;
    type Event = Event;
    type Refusal = Refusal;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Refusal> {
        decide::decide(state, command)
    }

    fn evolve(_state: State, event: &Event) -> State {
        evolve::evolve(event)
    }
}
