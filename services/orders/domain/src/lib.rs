//! The rules of an order: which commands are followed, and by which events.
//!
//! Everything here is pure and synchronous: no clock, no I/O. A caller's values come in as [`unchecked`] text
//! and numbers, become a [`Command`] once, and are never checked again.
//!
//! ```
//! use aggregate::Aggregate;
//! use orders_domain::{CancelOrder, Command, Order, Refusal, State};
//!
//! let cancel = CancelOrder::try_from("changed my mind".to_owned())?;
//! let refusal = Order::decide(&State::NotPlaced, Command::CancelOrder(cancel));
//! assert_eq!(refusal, Err(Refusal::OrderNotFound {}));
//! # Ok::<(), Refusal>(())
//! ```

mod address;
mod commands;
mod decide;
pub mod events;
mod evolve;
mod money;
mod order_line;
mod order_lines;
mod refusal;
mod state;
#[cfg(test)]
mod tests;
mod text;
pub mod unchecked;

pub use commands::{CancelOrder, ChangeDeliveryAddress, Command, PlaceOrder};
pub use events::Event;
pub use refusal::Refusal;
pub use state::{AddressFingerprint, State};
pub use text::TextFault;

/// An order, from its placing to its cancellation.
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
