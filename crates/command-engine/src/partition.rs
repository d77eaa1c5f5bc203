//! The one thread that writes a partition: claim it, then take what has queued, decide, commit, answer, again.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use aggregate::{Aggregate, AggregateId, Event};
use event_log::{Codec, LogError, NewRecord, PartitionLog, Recorded};
use tokio::sync::{mpsc, watch};
use tracing::{error, info, warn};
use uuid::Uuid;

use crate::{
    CommandError, CommandRequest,
    answers::{Answers, Written},
    group::Group,
    image::{Done, Image},
    measures,
    ticket::{Answer, Pending},
};

/// The pause after the first failed claim; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two claims.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Whether a partition takes commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It is owned and its image is the fold of its log.
    Ready,
    /// It is not; the text says why.
    NotReady(String),
}

/// The state of a partition's thread.
pub(crate) struct Partition<A: Aggregate, L> {
    pub(crate) number: i32,
    pub(crate) topic: String,
    pub(crate) source: String,
    pub(crate) log: L,
    pub(crate) codec: Arc<Codec>,
    pub(crate) queue: mpsc::Receiver<Pending<A>>,
    pub(crate) max_group: usize,
    pub(crate) image: Image<A>,
    pub(crate) epoch: u64,
    /// Dropped last: whoever watches it then knows that everything else is let go.
    pub(crate) readiness: watch::Sender<Readiness>,
}

impl<A: Aggregate, L: PartitionLog> Partition<A, L> {
    /// Runs until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let mut in_doubt = Vec::new();
        while self.own(&mut in_doubt) {
            match self.serve(std::mem::take(&mut in_doubt)) {
                Some(unknown) => in_doubt = unknown,
                None => break,
            }
        }
        self.readiness.send_replace(Readiness::NotReady("shut down".to_owned()));
        measures::lost(self.number);
    }

    /// Claims the partition, however often it takes; false if the queue was closed before it came about.
    ///
    /// Commands whose outcome is unknown are looked up in the log on the way: those that are in it are answered, the
    /// others stay in `in_doubt` to be decided again, now that nobody can have written them.
    fn own(&mut self, in_doubt: &mut Vec<Pending<A>>) -> bool {
        let mut pause = FIRST_PAUSE;
        let mut found = self.known(in_doubt);
        while let Err(error) = self.claim(in_doubt, &mut found) {
            self.unready(&error);
            if self.queue.is_closed() {
                return false;
            }
            thread::park_timeout(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        // Before the answers: whoever hears one may come back at once.
        self.readiness.send_replace(Readiness::Ready);
        for pending in std::mem::take(in_doubt) {
            match found.get_mut(&pending.key()) {
                Some(found) => {
                    let answer = self.settled(&pending.request, found);
                    pending.answer(answer);
                }
                // Whose caller has gone is not decided again.
                None => in_doubt.extend(pending.still_wanted()),
            }
        }
        true
    }

    /// What the image knows of commands in doubt: they repeat others, and so many new ones may be found beside them
    /// that their aggregate forgets them.
    fn known(&self, in_doubt: &[Pending<A>]) -> HashMap<Key, Found> {
        let known = |pending: &Pending<A>| {
            let key = pending.key();
            let done = self.image.get(&key.0)?.done(key.1)?.clone();
            Some((key, Found { done, told: true }))
        };
        in_doubt.iter().filter_map(known).collect()
    }

    /// The answer to a command whose id is in the log. Only the first who hears of a command in doubt hears of it as
    /// new.
    fn settled(&self, request: &CommandRequest<A::Command>, found: &mut Found) -> Answer<A> {
        if request.request_hash != found.done.request_hash {
            return Err(CommandError::IdReused);
        }
        let replayed = std::mem::replace(&mut found.told, true);
        Ok(self.answers().accepted(&found.done, replayed))
    }

    /// Claims once. What is read of the log stays read, so the next try goes on from there.
    fn claim(&mut self, in_doubt: &[Pending<A>], found: &mut HashMap<Key, Found>) -> Result<(), LogError> {
        let started = Instant::now();
        let wanted: HashSet<_> = in_doubt.iter().map(Pending::key).collect();
        let (image, codec) = (&mut self.image, &self.codec);
        self.epoch = self.log.claim(image.next_offset, &mut |recorded| {
            let event = codec
                .decode::<A::Event>(&recorded)
                .map_err(|source| LogError::unreadable(&recorded, source))?;
            let done = image.fold(&recorded, &event)?;
            let key = (recorded.envelope.aggregate_id, done.command_id);
            if wanted.contains(&key) {
                found.insert(key, Found { done: done.clone(), told: false });
            }
            Ok(())
        })?;
        measures::claimed(self.number, image.len(), started.elapsed());
        info!(partition = self.number, epoch = self.epoch, aggregates = image.len(), "partition claimed");
        Ok(())
    }

    fn unready(&self, error: &LogError) {
        if error.is_transient() {
            warn!(partition = self.number, %error, "partition cannot be claimed yet");
        } else {
            error!(partition = self.number, %error, "partition cannot be claimed: its log needs attention");
        }
        self.readiness.send_replace(Readiness::NotReady(error.to_string()));
        measures::lost(self.number);
    }

    /// Serves group after group. Ends with the commands whose outcome became unknown, or with none when the queue is
    /// closed and empty.
    fn serve(&mut self, carried: Vec<Pending<A>>) -> Option<Vec<Pending<A>>> {
        let mut group = carried;
        let mut received = Vec::with_capacity(self.max_group);
        loop {
            if group.is_empty() {
                if self.queue.blocking_recv_many(&mut received, self.max_group) == 0 {
                    return None;
                }
                group.extend(received.drain(..).filter_map(Pending::take));
                measures::waiting(self.number, self.queue.len());
            }
            if let Err(error) = self.process(&mut group) {
                warn!(partition = self.number, %error, commands = group.len(), "outcome of a group is unknown");
                self.readiness.send_replace(Readiness::NotReady("outcome of a commit is unknown".to_owned()));
                return Some(group);
            }
        }
    }

    /// Decides, commits and answers a group, and leaves it empty; after an error it is as it was, unanswered.
    fn process(&mut self, group: &mut Vec<Pending<A>>) -> Result<(), LogError> {
        let mut decided = Group::new(&self.image, &self.codec, &self.source, self.epoch);
        let verdicts: Vec<_> = group.iter().map(|pending| decided.decide(&pending.request)).collect();
        let (records, events) = (decided.records, decided.events);
        let written = self.write(records, &events)?;
        measures::decided(self.number, group.len());
        let answers = self.answers();
        for (pending, verdict) in group.drain(..).zip(verdicts) {
            let answer = answers.to(&pending.request, verdict, &written);
            pending.answer(answer);
        }
        Ok(())
    }

    /// Commits events and takes them into the image.
    fn write(&mut self, records: Vec<NewRecord>, events: &[A::Event]) -> Result<Vec<Written>, LogError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let started = Instant::now();
        let offsets = self.log.append(&records)?;
        measures::committed(self.number, started.elapsed());
        let written = records.into_iter().zip(events).zip(offsets);
        Ok(written.map(|((record, event), offset)| self.absorb(record, event, offset)).collect())
    }

    fn absorb(&mut self, record: NewRecord, event: &A::Event, offset: i64) -> Written {
        let recorded = Recorded {
            envelope: record.envelope,
            position: self.answers().position(offset),
            payload: record.payload,
        };
        self.image.fold(&recorded, event).expect("what was just decided follows what was there");
        Written { version: recorded.envelope.version, offset, event_type: event.event_type() }
    }

    fn answers(&self) -> Answers<'_, A> {
        Answers { topic: &self.topic, partition: self.number, image: &self.image }
    }
}

/// What makes a command the same as another.
type Key = (AggregateId, Uuid);

/// A command that the log knows.
struct Found {
    done: Done,
    /// Whether a caller has heard of it.
    told: bool,
}
