//! The published schemas of the context's events, every version for ever.

use event_log::SchemaFile;

/// All of `schemas/orders`.
pub(crate) const SCHEMAS: &[SchemaFile] = &[
    SchemaFile { version: 1, text: include_str!("../../../../schemas/orders/order_placed/v1.avsc") },
    SchemaFile {
        version: 1,
        text: include_str!("../../../../schemas/orders/delivery_address_changed/v1.avsc"),
    },
    SchemaFile { version: 1, text: include_str!("../../../../schemas/orders/order_cancelled/v1.avsc") },
];

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::SCHEMAS;

    #[test]
    fn every_published_schema_is_registered() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../schemas/orders");
        let events = fs::read_dir(folder).unwrap().map(|event| event.unwrap().path());
        let files: Vec<_> = events.flat_map(|event| fs::read_dir(event).unwrap()).collect();
        for file in &files {
            let text = fs::read_to_string(file.as_ref().unwrap().path()).unwrap();
            assert!(SCHEMAS.iter().any(|schema| schema.text == text), "{file:?} is missing");
        }
        assert_eq!(files.len(), SCHEMAS.len());
    }
}
