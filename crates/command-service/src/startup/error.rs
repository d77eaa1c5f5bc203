use event_log::{CodecError, Position, RegistryError, TopicsError};
use tokio::task::JoinError;

/// Why a service cannot start, or cannot go on; none of these goes away by waiting.
#[derive(Debug, thiserror::Error)]
pub enum StartupError {
    /// The topics are not as this service needs them.
    #[error(transparent)]
    Topics(#[from] TopicsError),
    /// The registry's URL cannot be used.
    #[error("FOLDLINE_REGISTRY_URL")]
    RegistryUrl(#[source] RegistryError),
    /// The registry does not accept the schemas.
    #[error("schemas cannot be registered")]
    Schemas(#[source] CodecError),
    /// The registry is not the one that the log was written with.
    #[error(
        "the schema registry is not the one that the log was written with, restore it from its backup \
         (docs/registry.md): event at {position}"
    )]
    OtherRegistry {
        /// The position of an event whose schema has another id.
        position: Position,
        /// What the registry says of it.
        source: CodecError,
    },
    /// A task of the start-up panicked.
    #[error(transparent)]
    Panicked(#[from] JoinError),
    /// A thread of the write side panicked.
    #[error("a thread of the write side has panicked")]
    WriteSidePanicked,
}
