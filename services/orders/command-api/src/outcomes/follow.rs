//! Follows the outcomes topic into the table, at least once: the group is told of a batch when its rows are there.

#![expect(clippy::disallowed_methods, reason = "it has a thread of its own")]

use std::{
    collections::HashMap,
    thread,
    time::{Duration, Instant},
};

use event_log::{ClientSettings, LogError, Outcome, OutcomeReader, Topics};
use serde::de::IgnoredAny;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Outcomes;

/// The most outcomes in one statement.
const BATCH: usize = 500;
/// How long one wait for the next outcome lasts; the end of the service is noticed as late.
const POLL: Duration = Duration::from_millis(100);
/// The pause after an error.
const PAUSE: Duration = Duration::from_secs(1);
/// How often old rows are deleted.
const TIDY_INTERVAL: Duration = Duration::from_hours(1);

/// Follows on a thread of its own until the service ends. Whatever goes wrong, it begins anew: nobody's command depends
/// on it.
pub(crate) fn follow(client: ClientSettings, topics: Topics, outcomes: Outcomes, end: CancellationToken) {
    let runtime = Handle::current();
    let follower = Follower { outcomes, runtime, end };
    thread::Builder::new()
        .name("outcomes".to_owned())
        .spawn(move || {
            while !follower.end.is_cancelled() {
                if let Err(error) = follower.run(&client, &topics) {
                    warn!(%error, "outcomes cannot be followed; beginning anew");
                    thread::sleep(PAUSE);
                }
            }
        })
        .expect("the system has a thread for the outcomes");
}

struct Follower {
    outcomes: Outcomes,
    runtime: Handle,
    end: CancellationToken,
}

impl Follower {
    fn run(&self, client: &ClientSettings, topics: &Topics) -> Result<(), LogError> {
        let reader = OutcomeReader::join(client, topics, &topics.group("orders-outcomes"))?;
        let mut tidied = None;
        while !self.end.is_cancelled() {
            let batch = reader.next(BATCH, POLL)?;
            if !batch.is_empty() {
                self.persist(&batch);
                reader.commit(&batch)?;
            }
            if tidied.is_none_or(|last: Instant| last.elapsed() > TIDY_INTERVAL) {
                tidied = Some(Instant::now());
                self.tidy();
            }
        }
        Ok(())
    }

    /// Tries until the rows are there: the topic keeps what has not been taken over yet. The reader's own membership
    /// needs no care meanwhile, for a batch that another member repeats changes nothing.
    fn persist(&self, batch: &[Outcome]) {
        let (keys, documents, offsets) = newest(batch);
        while !self.end.is_cancelled() {
            match self.runtime.block_on(self.outcomes.record(&keys, &documents, &offsets)) {
                Ok(()) => return metrics::counter!("outcomes_recorded_total").increment(keys.len() as u64),
                Err(error) => warn!(%error, "outcomes cannot be recorded; trying again"),
            }
            thread::sleep(PAUSE);
        }
    }

    fn tidy(&self) {
        match self.runtime.block_on(self.outcomes.tidy()) {
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
            warn!(position = %outcome.position, "a record is no outcome");
        }
    }
    let (keys, rows): (Vec<_>, Vec<_>) = newest.into_iter().map(|(key, row)| (key.clone(), row)).unzip();
    let (documents, offsets) = rows.into_iter().unzip();
    (keys, documents, offsets)
}

/// The document, if Postgres will take it: a text for JSON, and no NUL in the key.
fn document(outcome: &Outcome) -> Option<String> {
    let text = std::str::from_utf8(&outcome.document).ok()?;
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    (!outcome.key.contains('\0')).then(|| text.to_owned())
}
