//! The production log of a shard, with or without a planted bug.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard},
};

use event_log::{
    Batch, Claimed, Commit, FencedLog, Fold, LogError, Offsets, Position, Recorded, Sent, ShardLog,
};
use uuid::Uuid;

use crate::{broker::Client, planted_bug::PlantedBug};

pub(crate) struct Log {
    fenced: FencedLog<Client>,
    bug: Option<PlantedBug>,
    epoch: u64,
    shared: Arc<Mutex<Shared>>,
}

/// State that planted commits share with the log; they run in the committing coroutine.
#[derive(Default)]
struct Shared {
    /// Events that are to be folded although they are not committed.
    folded: Vec<Recorded>,
    /// Whether a commit was fenced and is therefore assumed not to have happened.
    trusts_fenced: bool,
    /// The commits of the batches that were sent, in order, until they are carried out.
    unfinished: VecDeque<Commit>,
    /// How many commits are not carried out yet.
    outstanding: usize,
}

impl Shared {
    fn forget_commits(&mut self) {
        (self.trusts_fenced, self.outstanding) = (false, 0);
        self.unfinished.clear();
    }
}

impl Log {
    pub(crate) fn new(fenced: FencedLog<Client>, bug: Option<PlantedBug>) -> Self {
        Self { fenced, bug, epoch: 0, shared: Arc::default() }
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap()
    }

    /// Reads the log, with the planted bug.
    fn read_with_bug<T>(
        &mut self,
        next: &Offsets,
        fold: &mut Fold<'_>,
        read: impl FnOnce(&mut FencedLog<Client>, &mut Fold<'_>) -> Result<T, LogError>,
    ) -> Result<T, LogError> {
        let (forgets, epoch) = (self.bug == Some(PlantedBug::ForgetsKeys), self.epoch);
        let mut next = next.clone();
        for recorded in mem::take(&mut self.shared().folded) {
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

    /// The commit of a batch, changed by the planted bug.
    fn with_bug(&self, batch: &Batch<'_>, Sent { offsets, commit }: Sent) -> Sent {
        let shared = Arc::clone(&self.shared);
        let commit: Commit = match self.bug {
            Some(PlantedBug::AnswersBeforeCommit) => Box::new(move || commit().or(Ok(()))),
            Some(PlantedBug::FoldsBeforeCommit) => {
                let sent = recorded(batch, &offsets);
                Box::new(move || commit().inspect_err(|_| shared.lock().unwrap().folded = sent))
            }
            Some(PlantedBug::TrustsFenced) => Box::new(move || {
                commit().inspect_err(|error| shared.lock().unwrap().trusts_fenced = error.is_fenced())
            }),
            Some(PlantedBug::KeepsAfterFailure) => self.committed_after_failure(commit),
            Some(PlantedBug::CommitsOutOfTurn) => self.counted(commit),
            _ => commit,
        };
        Sent { offsets, commit }
    }

    /// A commit that is carried out even if the one before it has failed.
    fn committed_after_failure(&self, commit: Commit) -> Commit {
        self.shared().unfinished.push_back(commit);
        let shared = Arc::clone(&self.shared);
        Box::new(move || {
            let carry_out = || {
                let next = shared.lock().unwrap().unfinished.pop_front();
                next.map_or(Ok(()), |commit| commit())
            };
            carry_out().inspect_err(|_| drop(carry_out()))
        })
    }

    /// A commit that is counted until it is carried out.
    fn counted(&self, commit: Commit) -> Commit {
        self.shared().outstanding += 1;
        let shared = Arc::clone(&self.shared);
        Box::new(move || {
            let committed = commit();
            let outstanding = &mut shared.lock().unwrap().outstanding;
            *outstanding = outstanding.saturating_sub(1);
            committed
        })
    }
}

/// The events of a batch, as if they were in the log.
fn recorded(batch: &Batch<'_>, offsets: &[i64]) -> Vec<Recorded> {
    let recorded = batch.events.iter().zip(offsets).map(|(event, offset)| Recorded {
        envelope: event.envelope.clone(),
        position: Position {
            topic: "simulated.events".to_owned(),
            partition: event.partition,
            offset: *offset,
        },
        payload: event.payload.clone(),
    });
    recorded.collect()
}

/// Whether an event has not been read yet.
fn is_new(recorded: &Recorded, next: &Offsets) -> bool {
    next.get(&recorded.position.partition).is_none_or(|next| recorded.position.offset >= *next)
}

impl ShardLog for Log {
    fn read(&mut self, next: &Offsets, fold: &mut Fold<'_>) -> Result<(), LogError> {
        if self.shared().trusts_fenced {
            return Ok(());
        }
        self.read_with_bug(next, fold, |log, fold| log.read(next, fold))
    }

    fn claim(&mut self, next: &Offsets, fold: &mut Fold<'_>) -> Result<Claimed, LogError> {
        self.shared().forget_commits();
        let claimed = self.read_with_bug(next, fold, |log, fold| log.claim(next, fold))?;
        self.epoch = claimed.epoch;
        Ok(claimed)
    }

    fn send(&mut self, batch: &Batch<'_>) -> Result<Sent, LogError> {
        match (self.bug, batch.next_commands.is_empty()) {
            (Some(PlantedBug::CommitsOffsetsApart), false) => {
                let offsets = self.fenced.append(&Batch { next_commands: &Offsets::new(), ..*batch })?;
                let next_commands = batch.next_commands;
                let Sent { commit, .. } = self.fenced.send(&Batch { next_commands, ..Batch::events(&[]) })?;
                Ok(Sent { offsets, commit })
            }
            (Some(PlantedBug::CommitsOutOfTurn), _) if self.shared().outstanding > 0 => {
                let offsets = self.fenced.append(batch)?;
                Ok(Sent { offsets, commit: Box::new(|| Ok(())) })
            }
            _ => {
                let sent = self.fenced.send(batch)?;
                Ok(self.with_bug(batch, sent))
            }
        }
    }

    fn confirm(&mut self) -> Result<(), LogError> {
        if self.bug == Some(PlantedBug::NeverConfirms) { Ok(()) } else { self.fenced.confirm() }
    }

    fn newest_epoch(&mut self) -> Result<u64, LogError> {
        if self.shared().trusts_fenced { Ok(u64::MAX) } else { self.fenced.newest_epoch() }
    }

    fn release(&mut self) {
        self.fenced.release();
    }
}
