//! The production log of a shard, with a planted bug or without.

use std::cell::Cell;

use event_log::{Batch, Claimed, FencedLog, Fold, LogError, Offsets, Position, Recorded, ShardLog};
use uuid::Uuid;

use crate::{broker::Client, planted_bug::PlantedBug};

pub(crate) struct Log {
    fenced: FencedLog<Client>,
    bug: Option<PlantedBug>,
    epoch: u64,
    /// Events that are to be folded although they are not committed.
    folded: Vec<Recorded>,
    /// Whether an append was fenced, and is therefore taken for one that did not happen.
    trusts_fenced: bool,
}

impl Log {
    pub(crate) fn new(fenced: FencedLog<Client>, bug: Option<PlantedBug>) -> Self {
        Self { fenced, bug, epoch: 0, folded: Vec::new(), trusts_fenced: false }
    }

    /// Reads as the planted bug has it.
    fn read_by<T>(
        &mut self,
        next: &Offsets,
        fold: &mut Fold<'_>,
        read: impl FnOnce(&mut FencedLog<Client>, &mut Fold<'_>) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let (forgets, epoch) = (self.bug == Some(PlantedBug::ForgetsKeys), self.epoch);
        let mut next = next.clone();
        for recorded in self.folded.drain(..) {
            if is_new(&recorded, &next) {
                next.insert(recorded.position.partition, recorded.position.offset + 1);
                fold(recorded)?;
            }
        }
        read(&mut self.fenced, &mut |mut recorded: Recorded| {
            if forgets && recorded.envelope.owner_epoch != epoch {
                let id = &mut recorded.envelope.metadata.command_id;
                *id = Uuid::new_v5(id, b"forgotten");
            }
            if is_new(&recorded, &next) { fold(recorded) } else { Ok(()) }
        })
    }

    /// Appends, and returns the offsets of what was sent even if it is not committed.
    fn send(&mut self, batch: &Batch<'_>) -> (Vec<i64>, Result<Vec<i64>, LogError>) {
        let sent = Cell::new(Vec::new());
        let outcomes = |offsets: &[i64]| {
            sent.set(offsets.to_vec());
            (batch.outcomes)(offsets)
        };
        let appended = self.fenced.append(&Batch { outcomes: &outcomes, ..*batch });
        (sent.into_inner(), appended)
    }

    fn fold_early(&mut self, batch: &Batch<'_>, sent: &[i64]) {
        let recorded = batch.events.iter().zip(sent).map(|(event, offset)| Recorded {
            envelope: event.envelope.clone(),
            position: Position {
                topic: "simulated.events".to_owned(),
                partition: event.partition,
                offset: *offset,
            },
            payload: event.payload.clone(),
        });
        self.folded = recorded.collect();
    }
}

/// Whether an event has not been read yet.
fn is_new(recorded: &Recorded, next: &Offsets) -> bool {
    next.get(&recorded.position.partition).is_none_or(|next| recorded.position.offset >= *next)
}

impl ShardLog for Log {
    fn read(&mut self, next: &Offsets, fold: &mut Fold<'_>) -> Result<(), LogError> {
        if self.trusts_fenced {
            return Ok(());
        }
        self.read_by(next, fold, |log, fold| log.read(next, fold))
    }

    fn claim(&mut self, next: &Offsets, fold: &mut Fold<'_>) -> Result<Claimed, LogError> {
        let claimed = self.read_by(next, fold, |log, fold| log.claim(next, fold))?;
        self.epoch = claimed.epoch;
        Ok(claimed)
    }

    fn append(&mut self, batch: &Batch<'_>) -> Result<Vec<i64>, LogError> {
        match (self.bug, batch.next_commands.is_empty()) {
            (Some(PlantedBug::AnswersBeforeCommit), _) => match self.send(batch) {
                (sent, Err(_)) if !sent.is_empty() => Ok(sent),
                (_, appended) => appended,
            },
            (Some(PlantedBug::FoldsBeforeCommit), _) => {
                let (sent, appended) = self.send(batch);
                if appended.is_err() {
                    self.fold_early(batch, &sent);
                }
                appended
            }
            (Some(PlantedBug::CommitsOffsetsApart), false) => {
                let offsets = self.fenced.append(&Batch { next_commands: &Offsets::new(), ..*batch })?;
                let next_commands = batch.next_commands;
                self.fenced.append(&Batch { next_commands, ..Batch::events(&[]) })?;
                Ok(offsets)
            }
            (Some(PlantedBug::TrustsFenced), _) => self.fenced.append(batch).inspect_err(|error| {
                self.trusts_fenced = error.is_fenced();
            }),
            _ => self.fenced.append(batch),
        }
    }

    fn confirm(&mut self) -> Result<(), LogError> {
        if self.bug == Some(PlantedBug::NeverConfirms) { Ok(()) } else { self.fenced.confirm() }
    }

    fn newest_epoch(&mut self) -> Result<u64, LogError> {
        if self.trusts_fenced { Ok(u64::MAX) } else { self.fenced.newest_epoch() }
    }

    fn release(&mut self) {
        self.trusts_fenced = false;
        self.fenced.release();
    }
}
