//! Invariants of the log.

use std::collections::{BTreeMap, HashMap};

use aggregate::{Version, fold};
use command_engine::Accepted;
use event_log::{Batch, Envelope, MemoryLog, NewRecord, Offsets, Recorded, ShardLog};
use uuid::Uuid;

use super::{Account, CODEC, CommandRequest, Event, account::State};

/// The records of a log whose invariants have been checked.
pub(crate) struct History(Vec<Recorded>);

impl History {
    /// Reads a log and checks its invariants: sequences and versions are 1..n, epochs never decrease, and the events of
    /// a command are contiguous, each once.
    pub(crate) fn of(log: &MemoryLog) -> Self {
        let records = log.records();
        let (mut versions, mut sequences) = (HashMap::new(), BTreeMap::<_, u64>::new());
        let mut epoch = 0;
        let mut events_of = HashMap::<_, usize>::new();
        let mut last = None;
        for Recorded { envelope, position, .. } in &records {
            let sequence = sequences.entry(position.partition).or_default();
            *sequence += 1;
            assert_eq!(envelope.partition_sequence, *sequence);
            assert!(envelope.owner_epoch >= epoch, "an older owner has written");
            epoch = envelope.owner_epoch;
            let version = versions.entry(&envelope.aggregate_id).or_insert(Version::NONE);
            *version = version.next();
            assert_eq!(envelope.version, *version);
            let command = (&envelope.aggregate_id, envelope.metadata.command_id);
            let events = events_of.entry(command).or_default();
            assert!(*events == 0 || last == Some(command), "a command is written twice");
            assert_eq!(envelope.event_id, Envelope::event_id_of(command.1, *events));
            *events += 1;
            last = Some(command);
        }
        Self(records)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn epochs(&self) -> Vec<u64> {
        let mut epochs: Vec<_> = self.envelopes().map(|envelope| envelope.owner_epoch).collect();
        epochs.dedup();
        epochs
    }

    pub(crate) fn command_ids(&self) -> Vec<Uuid> {
        self.envelopes().map(|envelope| envelope.metadata.command_id).collect()
    }

    /// The number of events that a command has led to.
    pub(crate) fn events_of(&self, request: &CommandRequest) -> usize {
        let ids = self.command_ids();
        ids.iter().filter(|id| **id == request.metadata.command_id).count()
    }

    pub(crate) fn events(&self, account: &str) -> Vec<Event> {
        self.0
            .iter()
            .filter(|record| record.envelope.aggregate_id.as_str() == account)
            .map(|record| CODEC.decode(record).unwrap())
            .collect()
    }

    pub(crate) fn state(&self, account: &str) -> State {
        fold::<Account>(&self.events(account))
    }

    /// Checks that an answer matches the log: the ids and types of the command's events, and the version and offset of
    /// the last of them.
    #[track_caller]
    pub(crate) fn assert_confirms(&self, request: &CommandRequest, accepted: &Accepted) {
        let written: Vec<_> = self
            .0
            .iter()
            .filter(|record| record.envelope.aggregate_id == request.aggregate_id)
            .filter(|record| record.envelope.metadata.command_id == request.metadata.command_id)
            .collect();
        let answered = accepted.events.iter().map(|event| (event.event_type, event.id));
        let recorded = written.iter().map(|record| (record.envelope.short_type(), record.envelope.event_id));
        assert!(answered.eq(recorded), "{accepted:?} is not what is in the log");
        let last = written.last().expect("an accepted command with events");
        assert_eq!(accepted.version, last.envelope.version);
        assert_eq!(accepted.position.as_ref().unwrap().offset, last.position.offset);
    }

    fn envelopes(&self) -> impl Iterator<Item = &Envelope> {
        self.0.iter().map(|record| &record.envelope)
    }
}

/// A new log with these records.
pub(crate) fn log_of(records: Vec<Recorded>) -> MemoryLog {
    let log = MemoryLog::default();
    append_unchecked(&log, records);
    log
}

/// Writes records without any check, as a foreign writer. This fences every owner.
pub(crate) fn append_unchecked(log: &MemoryLog, records: Vec<Recorded>) {
    let mut writer = log.clone();
    writer.claim(&Offsets::new(), &mut |_| Ok(())).unwrap();
    let group: Vec<_> = records
        .into_iter()
        .map(|Recorded { envelope, position, payload }| NewRecord {
            partition: position.partition,
            envelope,
            payload,
        })
        .collect();
    writer.append(&Batch::events(&group)).unwrap();
}
