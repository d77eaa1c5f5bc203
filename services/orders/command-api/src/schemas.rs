//! The published schemas of the context's events and commands, every version for ever.

use event_log::SchemaFile;

/// All of `schemas/orders/events`.
pub(crate) const EVENTS: &[SchemaFile] = &[
    SchemaFile { version: 1, text: include_str!("../../../../schemas/orders/events/order_placed/v1.avsc") },
    SchemaFile {
        version: 1,
        text: include_str!("../../../../schemas/orders/events/delivery_address_changed/v1.avsc"),
    },
    SchemaFile {
        version: 1,
        text: include_str!("../../../../schemas/orders/events/order_cancelled/v1.avsc"),
    },
];

/// All of `schemas/orders/commands`.
pub(crate) const COMMANDS: &[SchemaFile] = &[
    SchemaFile { version: 1, text: include_str!("../../../../schemas/orders/commands/place_order/v1.avsc") },
    SchemaFile {
        version: 1,
        text: include_str!("../../../../schemas/orders/commands/change_delivery_address/v1.avsc"),
    },
    SchemaFile { version: 1, text: include_str!("../../../../schemas/orders/commands/cancel_order/v1.avsc") },
];

#[cfg(test)]
mod tests {
    use test_kit::schemas::Schemas;

    use super::{COMMANDS, EVENTS};

    #[test]
    fn every_published_schema_is_registered() {
        Schemas { context: "orders", kind: "events" }.are_all_registered(EVENTS);
        Schemas { context: "orders", kind: "commands" }.are_all_registered(COMMANDS);
    }
}
