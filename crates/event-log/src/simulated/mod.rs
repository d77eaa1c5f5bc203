//! A twin of the broker for tests of the protocol: one partition in memory, with transactional ids, open transactions,
//! commit markers and stable offsets as Kafka has them. It has neither clock nor threads: everything happens in the
//! order that its callers and their [`Schedule`] give it, so a run can be repeated step by step.
//!
//! What it may never do is be kinder than Kafka; the contract tests run against both.

mod broker;
mod cluster;
mod schedule;
mod topic;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use broker::{SimulatedBroker, SimulatedProducer};
use cluster::Cluster;
pub use schedule::{AsCalled, Order, Schedule, Step};

use crate::{NewOutcome, Recorded};

/// One partition of a context, with its share of the outcomes, the owners and the deciders' offsets. Clones share it.
#[derive(Clone, Default)]
pub struct SimulatedKafka(Arc<Mutex<Cluster>>);

impl SimulatedKafka {
    /// The broker as the instance with this number sees it; `schedule` says what becomes of its requests.
    pub fn broker(&self, instance: usize, schedule: Arc<dyn Schedule>) -> SimulatedBroker {
        SimulatedBroker::new(self.clone(), instance, schedule)
    }

    /// The committed events that a reader can see.
    pub fn events(&self) -> Vec<Recorded> {
        self.lock().recorded(0..i64::MAX).collect()
    }

    /// How many events are committed, those included that no reader can see yet.
    pub fn committed(&self) -> usize {
        self.lock().committed()
    }

    /// The committed outcomes that a reader can see.
    pub fn outcomes(&self) -> Vec<NewOutcome> {
        self.lock().outcomes.visible().map(|(_, outcome)| outcome.clone()).collect()
    }

    /// The committed announcements that a reader can see: offset and address.
    pub fn announcements(&self) -> Vec<(i64, String)> {
        self.lock().owners.visible().map(|(offset, address)| (offset, address.clone())).collect()
    }

    /// Where the deciders go on in the commands, as far as it is committed.
    pub fn next_command(&self) -> Option<i64> {
        self.lock().next_command()
    }

    /// How many requests are held back on their way.
    pub fn held(&self) -> usize {
        self.lock().held.len()
    }

    /// Lets the `index`-th request that is held back arrive. Nobody hears of its answer.
    pub fn deliver(&self, index: usize) {
        let mut cluster = self.lock();
        let request = cluster.held.remove(index);
        request(&mut cluster);
    }

    /// Lets readers see what is committed but still out of their sight.
    pub fn show_commits(&self) {
        self.lock().show_commits();
    }

    /// Aborts the transactions that are open, as Kafka does when their time is over.
    pub fn expire_transactions(&self) {
        self.lock().expire();
    }

    /// How often each step was taken, whatever became of it.
    pub fn counts(&self) -> BTreeMap<Step, usize> {
        self.lock().counts.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Cluster> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
