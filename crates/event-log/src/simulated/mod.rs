//! A simulated broker for tests of the protocol: one shard in memory, with transactional ids, open transactions,
//! commit markers and stable offsets as in Kafka. It has neither clock nor threads: everything happens in the order
//! given by its callers and their [`Schedule`], so a run can be reproduced step by step.
//!
//! It must never guarantee more than Kafka does; the contract tests run against both.

mod broker;
mod cluster;
mod layout;
mod schedule;
mod topic;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use broker::{SimulatedBroker, SimulatedProducer};
use cluster::Cluster;
pub use layout::SimulatedLayout;
pub use schedule::{AsCalled, Schedule, Step, StepOutcome};
use topic::Topic;

use crate::{NewOutcome, Offsets, Recorded};

/// One shard of a context, with its outcomes, owners and committed offsets. Clones share it.
#[derive(Clone)]
pub struct SimulatedKafka(Arc<Mutex<Cluster>>);

impl SimulatedKafka {
    /// An empty shard of these partitions.
    pub fn new(partitions: impl IntoIterator<Item = i32>) -> Self {
        Self(Arc::new(Mutex::new(Cluster::new(partitions))))
    }

    /// The broker as instance number `instance` sees it. `schedule` decides the outcome of its requests.
    pub fn broker(&self, instance: usize, schedule: Arc<dyn Schedule>) -> SimulatedBroker {
        SimulatedBroker::new(self.clone(), instance, schedule)
    }

    /// The committed events that readers see, in the order of their commits. Those of one commit are in the order of
    /// their partitions.
    pub fn events(&self) -> Vec<Recorded> {
        self.lock().history()
    }

    /// How many events are committed, including those that readers do not see yet.
    pub fn committed(&self) -> usize {
        self.lock().committed()
    }

    /// The committed outcomes that readers see, partition by partition.
    pub fn outcomes(&self) -> Vec<NewOutcome> {
        let cluster = self.lock();
        cluster.outcomes.values().flat_map(Topic::visible).map(|(_, outcome)| outcome.clone()).collect()
    }

    /// The committed announcements that readers see: offset and address.
    pub fn announcements(&self) -> Vec<(i64, String)> {
        self.lock().owners.visible().map(|(offset, owner)| (offset, owner.address.clone())).collect()
    }

    /// The committed offset of each partition of the commands topic that has one.
    pub fn next_commands(&self) -> Offsets {
        self.lock().next_commands()
    }

    /// How many delayed requests have not arrived yet.
    pub fn delayed(&self) -> usize {
        self.lock().delayed.len()
    }

    /// Lets the `index`-th delayed request arrive. Its answer is lost.
    pub fn deliver(&self, index: usize) {
        let mut cluster = self.lock();
        let request = cluster.delayed.remove(index);
        request(&mut cluster);
    }

    /// Makes all decided commits visible to readers.
    pub fn show_commits(&self) {
        self.lock().show_commits();
    }

    /// Ends all open transactions, as Kafka does after their timeout.
    pub fn expire_transactions(&self) {
        self.lock().expire();
    }

    /// How often each step was taken, whatever its outcome.
    pub fn counts(&self) -> BTreeMap<Step, usize> {
        self.lock().counts.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Cluster> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
