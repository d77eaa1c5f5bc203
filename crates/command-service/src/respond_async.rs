//! Commands that are decided later. `Prefer: respond-async` (RFC 7240) writes a command to Kafka, where other services
//! may write commands too; the owner of its shard reads it from there.

use std::time::{Duration, Instant};

use aggregate::{Aggregate, AggregateId, Message, Refusal};
use command_engine::{CommandRequest, Rejection, Undecoded};
use event_log::{Codec, CommandEnvelope, CommandRecord, LogError};
use service_kit::{
    Problem,
    problem::{InvalidValues, kinds, validate},
};
use tokio::time::timeout_at;
use uuid::Uuid;

use crate::{
    AcceptedResponse, CommandAggregate, Dispatch,
    idempotency::request_hash,
    problems::{self, SOON},
    write_side::WriteSide,
};

/// The deadline of a command that came through Kafka, for which no caller waits.
const NO_DEADLINE: Duration = Duration::from_hours(24);

impl<A: CommandAggregate, K: Aggregate> Dispatch<A, K>
where
    A::Command: From<K::Command>,
{
    /// Writes the command to Kafka, and answers where its outcome will be found.
    pub(crate) async fn send(self, id: Uuid, command: A::Command) -> Result<AcceptedResponse, Problem> {
        let write_side = self.state.write_side.get().ok_or_else(problems::not_ready)?;
        let (envelope, payload) = self.record(write_side, id, &command)?;
        let written = write_side.commands.write(&envelope, &payload);
        let written = timeout_at(self.received.context.deadline.into(), written).await;
        written.map_err(|_| unknown())?.map_err(|error| not_written(&error))?;
        let command_id = envelope.metadata.command_id;
        write_side.outcomes.expect(command_id).await;
        Ok(AcceptedResponse::new::<K>(id, command_id))
    }

    fn record(
        &self,
        write_side: &WriteSide<A>,
        id: Uuid,
        command: &A::Command,
    ) -> Result<(CommandEnvelope, Vec<u8>), Problem> {
        let internal = |error: event_log::CodecError| Problem::internal(&error);
        let envelope = CommandEnvelope {
            aggregate_id: AggregateId::from(id),
            expected: self.expected()?,
            command_type: write_side.codec.full_name(command.message_type()).map_err(internal)?.to_owned(),
            request_hash: request_hash(command),
            time: event_log::now(),
            metadata: self.request.metadata(self.identity.command(id)),
        };
        Ok((envelope, write_side.codec.encode(command).map_err(internal)?))
    }
}

fn not_written(error: &LogError) -> Problem {
    if error.is_too_large() {
        return Problem::new(kinds::PAYLOAD_TOO_LARGE)
            .detail("the command is larger than a record of the commands topic may be");
    }
    tracing::warn!(%error, "whether a command was written to kafka is not known");
    unknown()
}

/// Kafka did not acknowledge the command, but may have it.
fn unknown() -> Problem {
    Problem::new(kinds::OUTCOME_UNKNOWN).retry_after(SOON)
}

/// Reads a command that came through Kafka. One that cannot be read is refused and becomes a dead letter.
pub(crate) fn decode<A: CommandAggregate>(
    codec: &Codec,
    record: &CommandRecord,
) -> Result<CommandRequest<A::Command>, Undecoded> {
    let envelope = record.envelope.as_ref().map_err(|error| malformed(error))?.clone();
    let payload = record.payload.as_deref().unwrap_or_default();
    let command: A::Command = codec.decode_command(&envelope, payload).map_err(|error| {
        if error.is_transient() { Undecoded::NotNow(error) } else { malformed(&error).into() }
    })?;
    Ok(CommandRequest {
        aggregate_id: envelope.aggregate_id,
        command: validate(command).map_err(|values| invalid(&values))?.into_inner(),
        expected: envelope.expected,
        request_hash: envelope.request_hash,
        metadata: envelope.metadata,
        has_key: true,
        deadline: Instant::now() + NO_DEADLINE,
    })
}

fn malformed(error: &dyn std::error::Error) -> Rejection {
    Rejection {
        code: kinds::MALFORMED_COMMAND.code.to_owned(),
        detail: error.to_string(),
        facts: serde_json::json!({}),
        dead_letter: true,
    }
}

fn invalid(values: &InvalidValues) -> Rejection {
    Rejection {
        code: values.code().to_owned(),
        detail: values.to_string(),
        facts: serde_json::to_value(values).unwrap_or_default(),
        dead_letter: false,
    }
}
