//! Checks the events and commands of an order against every version of their schemas.

use proptest::prelude::*;
use test_kit::schemas::Schemas;

use super::{
    arbitrary::orders,
    samples::{
        address_changed, address_in, cancel, cancelled, change_address, changed_to, order, order_placed,
        place, placed,
    },
};
use crate::{Event, events::OrderCancelled};

const EVENTS: Schemas = Schemas { context: "orders", kind: "events" };
const COMMANDS: Schemas = Schemas { context: "orders", kind: "commands" };

#[test]
fn every_message_matches_every_version_of_its_schema() {
    EVENTS.check(&[order_placed(), address_changed("Jena"), cancelled()]);
    COMMANDS.check(&[place(order()), change_address(address_in("Jena")), cancel()]);
}

proptest! {
    // Fewer cases than usual, because each one reads the schema files again.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_order_round_trips(order in orders()) {
        COMMANDS.round_trips(&place(order.clone()));
        if let Some(event) = placed(order) {
            EVENTS.round_trips(&event);
        }
    }

    #[test]
    fn any_text_round_trips(text in any::<String>()) {
        EVENTS.round_trips(&changed_to(address_in(&text)));
        EVENTS.round_trips(&Event::OrderCancelled(OrderCancelled { reason: text }));
    }
}
