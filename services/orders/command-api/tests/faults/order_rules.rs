//! The rules of an order, for the history check.

use aggregate::{Aggregate, Message, Refusal};
use orders_domain::{ChangeDeliveryAddress, Command, Event, Order, State};
use serde_json::{Value, from_value, to_value};
use test_kit::history::{Fact, Rules};

/// The rules of `orders-domain`, from which every event must follow.
pub(crate) struct OrderRules;

impl Rules for OrderRules {
    type State = State;

    fn decide(&self, state: &State, request: &Value) -> Result<Vec<Fact>, String> {
        let decided = Order::decide(state, command(request));
        let facts = decided.map_err(|refusal| refusal.code().to_owned())?;
        Ok(facts.iter().map(fact).collect())
    }

    fn evolve(&self, state: State, fact: &Fact) -> State {
        Order::evolve(state, &event(fact))
    }
}

fn fact(event: &Event) -> Fact {
    Fact { name: event.message_type().to_owned(), content: to_value(event).unwrap() }
}

fn event(fact: &Fact) -> Event {
    let content = fact.content.clone();
    match fact.name.as_str() {
        "OrderPlaced" => Event::OrderPlaced(from_value(content).unwrap()),
        "DeliveryAddressChanged" => Event::DeliveryAddressChanged(from_value(content).unwrap()),
        "OrderCancelled" => Event::OrderCancelled(from_value(content).unwrap()),
        other => panic!("{other} is not an event of an order"),
    }
}

/// The command of a request. All requests of these tests are valid.
fn command(request: &Value) -> Command {
    let body = request["body"].clone();
    match request["command"].as_str().unwrap() {
        "place" => Command::PlaceOrder(from_value(body).unwrap()),
        "move" => {
            let delivery_address = from_value(body).unwrap();
            Command::ChangeDeliveryAddress(ChangeDeliveryAddress { delivery_address })
        }
        "cancel" => Command::CancelOrder(from_value(body).unwrap()),
        other => panic!("{other} is not a command of these tests"),
    }
}
