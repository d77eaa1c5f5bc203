//! The published schemas of the context's events and commands: every version stays.

use command_service::SchemaFile;

/// All of `schemas/{{context}}/events`.
pub(crate) const EVENTS: &[SchemaFile] = &[
    SchemaFile::new(1, include_str!("../../../../schemas/{{context}}/events/{{aggregate}}_created/v1.avsc")),
    SchemaFile::new(1, include_str!("../../../../schemas/{{context}}/events/{{aggregate}}_renamed/v1.avsc")),
];

/// All of `schemas/{{context}}/commands`.
pub(crate) const COMMANDS: &[SchemaFile] = &[
    SchemaFile::new(1, include_str!("../../../../schemas/{{context}}/commands/create_{{aggregate}}/v1.avsc")),
    SchemaFile::new(1, include_str!("../../../../schemas/{{context}}/commands/rename_{{aggregate}}/v1.avsc")),
];
