//! The read model: an order as a document, with the fields of the read model `orders` of Foldline.

use cqrs_es::{EventEnvelope, View};
use orders_domain::{DeliveryAddress, events::OrderLine};
use serde::{Deserialize, Serialize};

use crate::order::{Event, Order};

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct OrderView {
    version: usize,
    status: Status,
    customer_id: String,
    currency: String,
    lines: Vec<OrderLine>,
    total_minor: i64,
    delivery_address: Option<DeliveryAddress>,
    cancellation_reason: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    #[default]
    Placed,
    Cancelled,
}

impl View<Order> for OrderView {
    fn update(&mut self, event: &EventEnvelope<Order>) {
        self.version = event.sequence;
        match event.payload.clone() {
            Event::OrderPlaced(placed) => {
                self.customer_id = placed.customer_id;
                self.currency = placed.currency;
                self.lines = placed.lines;
                self.total_minor = placed.total_minor;
                self.delivery_address = Some(placed.delivery_address);
            }
            Event::DeliveryAddressChanged(changed) => {
                self.delivery_address = Some(changed.delivery_address);
            }
            Event::OrderCancelled(cancelled) => {
                self.status = Status::Cancelled;
                self.cancellation_reason = Some(cancelled.reason);
            }
        }
    }
}
