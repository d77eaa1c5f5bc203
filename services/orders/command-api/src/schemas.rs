//! The published schemas of the context's events and commands, every version for ever.

use command_service::SchemaFile;

/// All of `schemas/orders/events`.
pub(crate) const EVENTS: &[SchemaFile] = &[
    SchemaFile::new(1, include_str!("../../../../schemas/orders/events/order_placed/v1.avsc")),
    SchemaFile::new(1, include_str!("../../../../schemas/orders/events/delivery_address_changed/v1.avsc")),
    SchemaFile::new(1, include_str!("../../../../schemas/orders/events/order_cancelled/v1.avsc")),
];

/// All of `schemas/orders/commands`.
pub(crate) const COMMANDS: &[SchemaFile] = &[
    SchemaFile::new(1, include_str!("../../../../schemas/orders/commands/place_order/v1.avsc")),
    SchemaFile::new(1, include_str!("../../../../schemas/orders/commands/change_delivery_address/v1.avsc")),
    SchemaFile::new(1, include_str!("../../../../schemas/orders/commands/cancel_order/v1.avsc")),
];
