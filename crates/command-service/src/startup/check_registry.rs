//! Checks that the schema registry is the one that the log was written with. Every event begins with the id of its schema;
//! in a registry that was set up anew, the same schemas have other ids. Old events could then not be read, and new ones
//! would be written under ids that mean something else.

use event_log::{ClientSettings, Codec, CodecError, LogError, Recorded, newest_events};

use super::StartupError;

/// The check could not be made, or the registry is another one.
pub(super) enum Failure {
    /// Kafka or the registry did not answer.
    Transient(Box<dyn std::error::Error + Send + Sync>),
    /// Waiting does not help.
    Final(StartupError),
}

impl Failure {
    pub(super) fn transient(error: LogError) -> Self {
        Self::Transient(error.into())
    }
}

/// Looks up the schema of the newest event of each partition. Blocks.
pub(super) fn check_registry(client: &ClientSettings, topic: &str, codec: &Codec) -> Result<(), Failure> {
    let newest = newest_events(client, topic).map_err(Failure::transient)?;
    newest.iter().try_for_each(|recorded| check(recorded, codec))
}

/// What else may be wrong with an event is found when its partition is read.
fn check(recorded: &Recorded, codec: &Codec) -> Result<(), Failure> {
    match codec.read_json(recorded) {
        Err(error) if error.is_transient() => Err(Failure::Transient(error.into())),
        Err(source @ (CodecError::UnknownSchema(_) | CodecError::OtherType { .. })) => {
            let position = recorded.position.clone();
            Err(Failure::Final(StartupError::OtherRegistry { position, source }))
        }
        _ => Ok(()),
    }
}
