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
    use std::{fs, path::Path};

    use event_log::SchemaFile;

    use super::{COMMANDS, EVENTS};

    fn holds_all_of(kind: &str, schemas: &[SchemaFile]) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../schemas/orders").join(kind);
        let messages = fs::read_dir(folder).unwrap().map(|message| message.unwrap().path());
        let files: Vec<_> = messages.flat_map(|message| fs::read_dir(message).unwrap()).collect();
        for file in &files {
            let text = fs::read_to_string(file.as_ref().unwrap().path()).unwrap();
            assert!(schemas.iter().any(|schema| schema.text == text), "{file:?} is missing");
        }
        assert_eq!(files.len(), schemas.len());
    }

    #[test]
    fn every_published_schema_is_registered() {
        holds_all_of("events", EVENTS);
        holds_all_of("commands", COMMANDS);
    }
}
