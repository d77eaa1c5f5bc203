//! The rules of an order, as the history check asks for them.

use aggregate::{Aggregate, Message, Refusal};
use orders_domain::{
    CancelOrder, ChangeDeliveryAddress, Command, Event, Order, PlaceOrder, State,
    events::DeliveryAddress,
    unchecked::{self, OrderLine},
};
use serde::Deserialize;
use serde_json::{Value, from_value, to_value};
use test_kit::history::{Fact, Rules};

/// `orders-domain` itself: every event must follow from it.
pub(crate) struct OrderRules;

impl Rules for OrderRules {
    type State = State;

    fn decide(&self, state: &State, request: &Value) -> Result<Vec<Fact>, String> {
        let decided = command(request).and_then(|command| Order::decide(state, command));
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
        other => panic!("an order has no {other}"),
    }
}

/// What these tests send to `POST /orders`.
#[derive(Deserialize)]
struct Placing {
    customer_id: String,
    currency: String,
    lines: Vec<Line>,
    delivery_address: DeliveryAddress,
}

#[derive(Deserialize)]
struct Line {
    sku: String,
    quantity: i64,
    unit_price_minor: i64,
}

fn command(request: &Value) -> Result<Command, orders_domain::Refusal> {
    let body = request["body"].clone();
    match request["command"].as_str().unwrap() {
        "place" => Ok(Command::PlaceOrder(place(from_value(body).unwrap())?)),
        "move" => {
            let change = ChangeDeliveryAddress::try_from(address(from_value(body).unwrap()))?;
            Ok(Command::ChangeDeliveryAddress(change))
        }
        "cancel" => {
            let reason = body["reason"].as_str().unwrap().to_owned();
            Ok(Command::CancelOrder(CancelOrder::try_from(reason)?))
        }
        other => panic!("these tests send no {other}"),
    }
}

fn place(placing: Placing) -> Result<PlaceOrder, orders_domain::Refusal> {
    let line = |Line { sku, quantity, unit_price_minor }| OrderLine {
        sku,
        quantity,
        unit_price_minor,
        currency: None,
    };
    PlaceOrder::try_from(unchecked::PlaceOrder {
        customer_id: placing.customer_id,
        currency: placing.currency,
        lines: placing.lines.into_iter().map(line).collect(),
        delivery_address: address(placing.delivery_address),
    })
}

fn address(address: DeliveryAddress) -> unchecked::DeliveryAddress {
    let DeliveryAddress { name, street, postal_code, city, country } = address;
    unchecked::DeliveryAddress { name, street, postal_code, city, country }
}
