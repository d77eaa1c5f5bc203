use aggregate::Version;
use event_log::{CodecError, Discontinuity, InvalidRecord, LogError};

use crate::ProjectionError;

/// Longer reasons are cut: an error may quote what it complains of.
const LONGEST_REASON: usize = 1_000;

/// Why an event cannot be applied: it, or what has to be made of it, is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ParkReason {
    pub(crate) cause: Cause,
    /// For operators. It may quote the payload, so it does not belong in a log.
    pub(crate) reason: String,
    /// The version at which the rows of the aggregate stand, as far as that is known.
    pub(crate) stands_at: Option<Version>,
}

/// What is wrong, in a word that may stand in logs and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The record is not an event.
    Record,
    /// The payload cannot be read.
    Payload,
    /// The version does not follow the one before it.
    Version,
    /// The projection refuses it.
    Unfit,
    /// Postgres refuses what the projection makes of it.
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

    /// The obstacle in a payload; an error that is not the payload's own comes back.
    pub(crate) fn payload(error: CodecError, stands_at: Version) -> Result<Self, CodecError> {
        if error.is_of_the_message() {
            Ok(Self { cause: Cause::Payload, reason: text(&error), stands_at: Some(stands_at) })
        } else {
            Err(error)
        }
    }

    pub(crate) fn version(error: &Discontinuity, stands_at: Version) -> Self {
        let known = match error {
            Discontinuity::Version { expected, .. } => Version(expected.saturating_sub(1)),
            Discontinuity::Sequence { .. } | Discontinuity::Epoch { .. } => stands_at,
        };
        Self { cause: Cause::Version, reason: text(error), stands_at: Some(known) }
    }

    /// The obstacle that a projection met; an error that is no event's fault comes back.
    pub(crate) fn applying(error: ProjectionError, stands_at: Version) -> Result<Self, ProjectionError> {
        let cause = match &error {
            ProjectionError::Log(LogError::Discontinuous(error @ Discontinuity::Version { .. })) => {
                return Ok(Self::version(error, stands_at));
            }
            ProjectionError::Unfit { .. } => Cause::Unfit,
            ProjectionError::Postgres(error) if is_of_the_row(error) => Cause::Row,
            _ => return Err(error),
        };
        Ok(Self { cause, reason: text(&error), stands_at: Some(stands_at) })
    }

    /// Whether an error is an event's fault.
    pub(crate) fn is_met_in(error: &ProjectionError) -> bool {
        match error {
            ProjectionError::Log(LogError::Discontinuous(Discontinuity::Version { .. }))
            | ProjectionError::Unfit { .. } => true,
            ProjectionError::Postgres(error) => is_of_the_row(error),
            _ => false,
        }
    }
}

/// Whether Postgres has seen the values and does not take them. Classes of SQLSTATE: cardinality, data, constraints, a
/// view's check, what a trigger raises, limits (a value too large for an index). A table that is missing, a right that
/// is not granted, a server that is full are nobody's values.
fn is_of_the_row(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Encode(_) => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            ["21", "22", "23", "44", "P0", "54"].iter().any(|class| code.starts_with(class))
        }),
        _ => false,
    }
}

/// Postgres has no character 0 in a text.
fn text(error: &impl std::error::Error) -> String {
    let whole = error.to_string().replace('\0', "\u{fffd}");
    whole.chars().take(LONGEST_REASON).collect()
}
