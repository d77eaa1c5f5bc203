//! Commands that are decided later: `Prefer: respond-async` (RFC 7240) writes them to Kafka, where any service may
//! write them too, and whoever owns their partition reads them.

use std::time::{Duration, Instant};

use aggregate::{AggregateId, Message, Refusal as _};
use axum::response::Response;
use command_engine::{CommandRequest, Rejection, Undecoded};
use event_log::{Codec, CommandEnvelope, CommandRecord};
use orders_domain::Command;
use service_kit::{
    Problem,
    problem::{InvalidValues, kinds, validate},
};
use tokio::time::timeout_at;

use crate::{
    answer,
    idempotency::request_hash,
    problems::{CommandFailure, SOON},
    submission::{CommandInput, Dispatch},
};

/// Nobody waits for a command that came through Kafka.
const NO_DEADLINE: Duration = Duration::from_hours(24);

impl Dispatch {
    /// Writes the command to Kafka, where it is safe, and says where its outcome will be.
    pub(crate) async fn send(self, ask: CommandInput) -> Result<Response, CommandFailure> {
        let order_id = ask.order_id;
        let (envelope, payload) = self.message(ask)?;
        let (open, deadline) = (self.desk()?, self.trip.deadline.into());
        let written = timeout_at(deadline, open.commands.write(&envelope, &payload)).await;
        written.map_err(|_| unknown())?.map_err(|error| {
            tracing::warn!(%error, "whether a command is in kafka is not known");
            unknown()
        })?;
        let command_id = envelope.metadata.command_id;
        open.outcomes.expect(command_id).await;
        Ok(answer::taken(order_id, command_id))
    }

    fn message(&self, ask: CommandInput) -> Result<(CommandEnvelope, Vec<u8>), Problem> {
        // Invalid values are refused at once: whether they are valid does not depend on the past of the order.
        let command = validate(ask.command)?;
        let expected = self.expected()?;
        let codec = &self.desk()?.codec;
        let payload = codec.encode(&*command).map_err(|error| Problem::internal(&error))?;
        let command_type =
            codec.full_name(command.message_type()).map_err(|error| Problem::internal(&error))?;
        let envelope = CommandEnvelope {
            aggregate_id: AggregateId::from(ask.order_id),
            command_type: command_type.to_owned(),
            expected,
            request_hash: request_hash(&*command),
            time: event_log::now(),
            metadata: self.context.metadata(self.identity.command(ask.order_id)),
        };
        Ok((envelope, payload))
    }
}

/// Kafka did not say that it has the command; it may have it.
fn unknown() -> Problem {
    Problem::new(kinds::OUTCOME_UNKNOWN).retry_after(SOON)
}

/// Reads a command that came through Kafka. What cannot be read becomes a refusal and a dead letter.
pub(crate) fn read(codec: &Codec, record: &CommandRecord) -> Result<CommandRequest<Command>, Undecoded> {
    let envelope = record.envelope.as_ref().map_err(|error| malformed(error))?.clone();
    let payload = record.payload.as_deref().unwrap_or_default();
    let command: Command = codec.decode_command(&envelope, payload).map_err(|error| {
        if error.is_transient() { Undecoded::NotNow(error) } else { malformed(&error).into() }
    })?;
    Ok(CommandRequest {
        aggregate_id: envelope.aggregate_id,
        command: validate(command).map_err(|invalid| refused(&invalid))?.into_inner(),
        expected: envelope.expected,
        request_hash: envelope.request_hash,
        metadata: envelope.metadata,
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

fn refused(invalid: &InvalidValues) -> Rejection {
    Rejection {
        code: invalid.code().to_owned(),
        detail: invalid.to_string(),
        facts: serde_json::to_value(invalid).unwrap_or_default(),
        dead_letter: false,
    }
}
