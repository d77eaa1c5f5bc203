//! An order as an aggregate of `cqrs-es`. The rules are those of `orders-domain`.

use aggregate::Aggregate as _;
use cqrs_es::{Aggregate, DomainEvent, event_sink::EventSink};
use orders_domain::{
    Command, Refusal, State,
    events::{DeliveryAddressChanged, OrderCancelled, OrderPlaced},
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Order(State);

/// The events of the domain, which cannot be read back as one type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Event {
    OrderPlaced(OrderPlaced),
    DeliveryAddressChanged(DeliveryAddressChanged),
    OrderCancelled(OrderCancelled),
}

impl Aggregate for Order {
    const TYPE: &'static str = "order";

    type Command = Command;
    type Event = Event;
    type Error = Refusal;
    type Services = ();

    async fn handle(&mut self, command: Command, (): &(), sink: &EventSink<Self>) -> Result<(), Refusal> {
        for event in orders_domain::Order::decide(&self.0, command)? {
            sink.write(event.into(), self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        self.0 = orders_domain::Order::evolve(self.0, &event.into());
    }
}

impl DomainEvent for Event {
    fn event_type(&self) -> String {
        let name = match self {
            Self::OrderPlaced(_) => "OrderPlaced",
            Self::DeliveryAddressChanged(_) => "DeliveryAddressChanged",
            Self::OrderCancelled(_) => "OrderCancelled",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}

impl From<orders_domain::Event> for Event {
    fn from(event: orders_domain::Event) -> Self {
        match event {
            orders_domain::Event::OrderPlaced(event) => Self::OrderPlaced(event),
            orders_domain::Event::DeliveryAddressChanged(event) => Self::DeliveryAddressChanged(event),
            orders_domain::Event::OrderCancelled(event) => Self::OrderCancelled(event),
        }
    }
}

impl From<Event> for orders_domain::Event {
    fn from(event: Event) -> Self {
        match event {
            Event::OrderPlaced(event) => Self::OrderPlaced(event),
            Event::DeliveryAddressChanged(event) => Self::DeliveryAddressChanged(event),
            Event::OrderCancelled(event) => Self::OrderCancelled(event),
        }
    }
}
