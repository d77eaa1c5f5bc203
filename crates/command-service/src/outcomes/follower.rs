//! Copies the outcomes topic into the table, at least once: the offsets of a batch are committed after its rows.

#![expect(clippy::disallowed_methods, reason = "it runs on a thread of its own")]

use std::{
    collections::HashMap,
    thread,
    time::{Duration, Instant},
};

use command_engine::PanicGuard;
use event_log::{LogError, Outcome, OutcomeReader, ShardLogSettings};
use serde::de::IgnoredAny;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Outcomes;

/// The most outcomes in one statement.
const BATCH: usize = 500;
/// How long to wait for the next outcome; it takes this long to notice that the service ends.
const POLL: Duration = Duration::from_millis(100);
/// The pause after an error.
const PAUSE: Duration = Duration::from_secs(1);
/// How often old rows are deleted.
const DELETE_INTERVAL: Duration = Duration::from_hours(1);

/// Follows the topic on a thread of its own until the service ends. After an error it starts again; no command depends
/// on it.
pub(crate) fn follow(
    log: &ShardLogSettings,
    outcomes: Outcomes,
    shutdown: CancellationToken,
    guard: PanicGuard,
) {
    let follower = Follower { log: log.clone(), outcomes, runtime: Handle::current(), shutdown };
    thread::Builder::new()
        .name("outcomes".to_owned())
        .spawn(move || {
            let _guard = guard;
            while !follower.shutdown.is_cancelled() {
                if let Err(error) = follower.run() {
                    warn!(%error, "outcomes cannot be followed; starting again");
                    thread::sleep(PAUSE);
                }
            }
        })
        .expect("the system has a thread for the outcomes");
}

struct Follower {
    log: ShardLogSettings,
    outcomes: Outcomes,
    runtime: Handle,
    shutdown: CancellationToken,
}

impl Follower {
    fn run(&self) -> Result<(), LogError> {
        let ShardLogSettings { client, topics, .. } = &self.log;
        let group = topics.group(&format!("{}-outcomes", topics.context()));
        let reader = OutcomeReader::join(client, topics, &group)?;
        let mut deleted = None;
        while !self.shutdown.is_cancelled() {
            let batch = reader.next(BATCH, POLL)?;
            if !batch.is_empty() {
                self.persist(&batch);
                reader.commit(&batch)?;
            }
            if deleted.is_none_or(|last: Instant| last.elapsed() > DELETE_INTERVAL) {
                deleted = Some(Instant::now());
                self.delete_old();
            }
        }
        Ok(())
    }

    /// Tries until the rows are written; the topic keeps what follows. The consumer may lose its membership meanwhile: a
    /// batch that another member repeats changes nothing.
    fn persist(&self, batch: &[Outcome]) {
        let (keys, documents, offsets) = newest(batch);
        while !self.shutdown.is_cancelled() {
            match self.runtime.block_on(self.outcomes.record(&keys, &documents, &offsets)) {
                Ok(()) => return metrics::counter!("outcomes_recorded_total").increment(keys.len() as u64),
                Err(error) => warn!(%error, "outcomes cannot be recorded; trying again"),
            }
            thread::sleep(PAUSE);
        }
    }

    fn delete_old(&self) {
        match self.runtime.block_on(self.outcomes.delete_old()) {
            Ok(deleted) => debug!(deleted, "old outcomes were deleted"),
            Err(error) => warn!(%error, "old outcomes cannot be deleted"),
        }
    }
}

/// The last outcome of each command, as columns: one statement cannot change a row twice.
fn newest(batch: &[Outcome]) -> (Vec<String>, Vec<String>, Vec<i64>) {
    let mut newest = HashMap::new();
    for outcome in batch {
        if let Some(document) = document(outcome) {
            newest.insert(&outcome.key, (document, outcome.position.offset));
        } else {
            warn!(position = %outcome.position, "a record is not an outcome");
        }
    }
    let (keys, rows): (Vec<_>, Vec<_>) = newest.into_iter().map(|(key, row)| (key.clone(), row)).unzip();
    let (documents, offsets) = rows.into_iter().unzip();
    (keys, documents, offsets)
}

/// The document, if Postgres accepts it: it is JSON, and the key has no NUL.
fn document(outcome: &Outcome) -> Option<String> {
    let text = std::str::from_utf8(&outcome.document).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    (!outcome.key.contains('\0')).then(|| text.to_owned())
}
