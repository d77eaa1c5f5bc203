use uuid::Uuid;

/// Where a command came from; every event that it leads to carries it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Names the command. A repeated id is the same command and has one effect.
    pub command_id: Uuid,
    /// Names the conversation that the command is part of, from the first request to the last event.
    pub correlation_id: String,
    /// The message that caused the command: a request, or another context's event.
    pub causation_id: String,
    /// Who asked for it.
    pub actor: String,
    /// The trace that the command belongs to (W3C Trace Context `traceparent`).
    pub traceparent: String,
}
