use aggregate::Version;
use event_log::{CodecError, Discontinuity, InvalidRecord, LogError};

use crate::ProjectionError;

/// The maximum length of a reason, in characters. Longer ones are truncated, because an error may quote a long value.
const MAX_REASON_LENGTH: usize = 1_000;

/// Why an event cannot be applied. The cause is the event itself, or the rows that the projection derives from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParkReason {
    pub(crate) cause: Cause,
    /// For operators. It may quote the payload, so it must not be logged.
    pub(crate) reason: String,
    /// The version of the aggregate in the read model, if it is known (the column `stands_at`).
    pub(crate) stands_at: Option<Version>,
}

/// The kind of error, in one word for logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The record is not an event.
    Record,
    /// The payload cannot be decoded.
    Payload,
    /// The version does not follow the previous one.
    Version,
    /// The projection refuses the event.
    Unfit,
    /// Postgres refuses the rows that the projection writes.
    Row,
}

impl Cause {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Payload => "payload",
            Self::Version => "version",
            Self::Unfit => "unfit",
            Self::Row => "row",
        }
    }
}

impl ParkReason {
    pub(crate) fn record(error: &InvalidRecord, stands_at: Option<Version>) -> Self {
        Self { cause: Cause::Record, reason: error.to_string(), stands_at }
    }

    /// Converts an error of the codec; an error that was not caused by the payload is returned.
    pub(crate) fn payload(error: CodecError, stands_at: Version) -> Result<Self, CodecError> {
        if error.is_of_the_message() {
            Ok(Self { cause: Cause::Payload, reason: text(&error), stands_at: Some(stands_at) })
        } else {
            Err(error)
        }
    }

    pub(crate) fn version(error: &Discontinuity, stands_at: Version) -> Self {
        let stands_at = match error {
            Discontinuity::Version { expected, .. } => Version(expected.saturating_sub(1)),
            Discontinuity::Sequence { .. } | Discontinuity::Epoch { .. } => stands_at,
        };
        Self { cause: Cause::Version, reason: text(error), stands_at: Some(stands_at) }
    }

    /// Converts an error of the projection; an error that was not caused by the event is returned.
    pub(crate) fn applying(error: ProjectionError, stands_at: Version) -> Result<Self, ProjectionError> {
        let cause = match &error {
            ProjectionError::Log(LogError::Discontinuous(error @ Discontinuity::Version { .. })) => {
                return Ok(Self::version(error, stands_at));
            }
            ProjectionError::Unfit { .. } => Cause::Unfit,
            ProjectionError::Postgres(error) if is_caused_by_row(error) => Cause::Row,
            _ => return Err(error),
        };
        Ok(Self { cause, reason: text(&error), stands_at: Some(stands_at) })
    }

    /// Whether an error was caused by an event.
    pub(crate) fn is_cause_of(error: &ProjectionError) -> bool {
        match error {
            ProjectionError::Log(LogError::Discontinuous(Discontinuity::Version { .. }))
            | ProjectionError::Unfit { .. } => true,
            ProjectionError::Postgres(error) => is_caused_by_row(error),
            _ => false,
        }
    }
}

/// Whether Postgres refused the values of a row. The classes of SQLSTATE are: cardinality, data, constraints, the check
/// option of a view, an exception raised by a trigger, limits (such as a value too large for an index). A missing
/// table, a missing privilege or a full disk is not caused by the values.
fn is_caused_by_row(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Encode(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["21", "22", "23", "44", "P0", "54"].iter().any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}

/// The text of an error, without the character NUL, which Postgres cannot store.
fn text(error: &impl std::error::Error) -> String {
    let text = error.to_string().replace('\0', "\u{fffd}");
    text.chars().take(MAX_REASON_LENGTH).collect()
}
