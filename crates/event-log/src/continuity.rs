use crate::{Position, Recorded};

/// Checks the history of a partition as it is read: sequence numbers have no gaps, epochs never decrease.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Continuity {
    /// The sequence number of the last event, 0 before the first.
    pub sequence: u64,
    /// The highest owner epoch so far, 0 before the first.
    pub epoch: u64,
}

/// The history of a partition is broken: an owner wrote although it was fenced, or records were lost or repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Discontinuity {
    /// A record is missing or repeated.
    #[error("history broken at {position}: sequence {found} where {expected} must follow")]
    Sequence {
        /// The position of the unexpected record.
        position: Position,
        /// The sequence number that was expected.
        expected: u64,
        /// The sequence number of the record.
        found: u64,
    },
    /// A record was written by an owner that had already been replaced.
    #[error("history broken at {position}: epoch {found} after epoch {newest}")]
    Epoch {
        /// The position of the unexpected record.
        position: Position,
        /// The highest epoch before it.
        newest: u64,
        /// The epoch of the record.
        found: u64,
    },
    /// An aggregate's version does not follow its previous one.
    #[error("history broken at {position}: version {found} of {aggregate} where {expected} must follow")]
    Version {
        /// The position of the unexpected record.
        position: Position,
        /// The aggregate.
        aggregate: String,
        /// The version that was expected.
        expected: u64,
        /// The version of the record.
        found: u64,
    },
}

impl Continuity {
    /// Advances to the next event of the partition, or returns how it breaks the history.
    pub fn follow(&mut self, next: &Recorded) -> Result<(), Discontinuity> {
        let (sequence, epoch) = (next.envelope.partition_sequence, next.envelope.owner_epoch);
        if sequence != self.sequence + 1 {
            return Err(Discontinuity::Sequence {
                position: next.position.clone(),
                expected: self.sequence + 1,
                found: sequence,
            });
        }
        if epoch < self.epoch {
            return Err(Discontinuity::Epoch {
                position: next.position.clone(),
                newest: self.epoch,
                found: epoch,
            });
        }
        *self = Self { sequence, epoch };
        Ok(())
    }
}
