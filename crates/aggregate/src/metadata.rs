use std::sync::Arc;

use uuid::Uuid;

/// Where a command came from. Every event that follows from it has the same metadata. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Identifies the command. A repeated id is the same command and has one effect.
    pub command_id: Uuid,
    /// Identifies the conversation that the command is part of, from the first request to the last event.
    pub correlation_id: Arc<str>,
    /// The message that caused the command: a request, or an event of another context.
    pub causation_id: Arc<str>,
    /// Who sent the command.
    pub actor: Arc<str>,
    /// The trace that the command is part of (W3C Trace Context, `traceparent`).
    pub traceparent: Arc<str>,
}
