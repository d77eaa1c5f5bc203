//! The published schemas of the context's events and commands, every version for ever.

use event_log::SchemaFile;

/// All of `schemas/{{context}}/events`.
pub(crate) const EVENTS: &[SchemaFile] = &[
    SchemaFile { version: 1, text: include_str!("../../../../schemas/{{context}}/events/{{aggregate}}_created/v1.avsc") },
    SchemaFile { version: 1, text: include_str!("../../../../schemas/{{context}}/events/{{aggregate}}_renamed/v1.avsc") },
];

/// All of `schemas/{{context}}/commands`.
pub(crate) const COMMANDS: &[SchemaFile] = &[
    SchemaFile { version: 1, text: include_str!("../../../../schemas/{{context}}/commands/create_{{aggregate}}/v1.avsc") },
    SchemaFile { version: 1, text: include_str!("../../../../schemas/{{context}}/commands/rename_{{aggregate}}/v1.avsc") },
];

#[cfg(test)]
mod tests {
    use test_kit::schemas::Schemas;

    use super::{COMMANDS, EVENTS};

    #[test]
    fn every_published_schema_is_registered() {
        Schemas { context: "{{context}}", kind: "events" }.are_all_registered(EVENTS);
        Schemas { context: "{{context}}", kind: "commands" }.are_all_registered(COMMANDS);
    }
}
