//! Random faults, one after another. The same seed leads to the same faults.

use std::{iter::repeat_n, time::Duration};

use test_kit::{Api, Fault};
use tokio::time::{Instant, sleep, timeout};

use crate::{instances::Instance, recorder::Recorder, servers::RunServers};

/// How soon every instance must be ready again after the last fault was healed.
const RECOVERY: Duration = Duration::from_secs(30);

pub(crate) type Disturbance = test_kit::Disturbance<Kind>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    KilledInstance,
    EndedInstance,
    FrozenInstance,
    CutNetwork,
    SlowNetwork,
    LateCommits,
    LateCommitAnswers,
    LostCommits,
    LostCommitAnswers,
    LateRecords,
    LostClaims,
    FrozenBroker,
    KilledBroker,
}

use Kind::{
    CutNetwork, EndedInstance, FrozenBroker, FrozenInstance, KilledBroker, KilledInstance, LateCommitAnswers,
    LateCommits, LateRecords, LostClaims, LostCommitAnswers, LostCommits, SlowNetwork,
};

/// The weight of each fault.
const WEIGHTS: [(usize, Kind); 13] = [
    (4, KilledInstance),
    (4, EndedInstance),
    (3, FrozenInstance),
    (1, CutNetwork),
    (1, SlowNetwork),
    (1, LateCommits),
    (1, LateCommitAnswers),
    (1, LostCommits),
    (1, LostCommitAnswers),
    (1, LateRecords),
    (1, LostClaims),
    (1, FrozenBroker),
    (1, KilledBroker),
];

/// The weight of each fault with three brokers. Instances connect to them without a proxy, so there are no network faults.
const WEIGHTS_OF_CLUSTER: [(usize, Kind); 5] =
    [(6, KilledBroker), (2, FrozenBroker), (1, KilledInstance), (1, EndedInstance), (1, FrozenInstance)];

/// Injects faults into the instances and servers of a run.
pub(crate) struct Chaos<'r> {
    pub(crate) servers: RunServers,
    pub(crate) instances: Vec<Instance>,
    pub(crate) recorder: &'r Recorder,
    pub(crate) random: fastrand::Rng,
}

impl Chaos<'_> {
    /// Injects faults for this long, heals the last one, and waits until every instance is ready again.
    pub(crate) async fn run(&mut self, time: Duration) -> Vec<Disturbance> {
        let deadline = Instant::now() + time;
        let mut disturbances = Vec::new();
        while Instant::now() < deadline {
            self.pause(500..3_000).await;
            let kind = self.choose();
            let instance = self.random.usize(..self.instances.len());
            let begin = self.recorder.now();
            self.disturb(kind, instance).await;
            let disturbance = Disturbance { kind, instance, begin, end: self.recorder.now() };
            println!("{disturbance}");
            disturbances.push(disturbance);
            // Usually the service recovers before the next fault, so that the outage can be measured. Sometimes the
            // next fault follows at once.
            if self.random.u8(..4) > 0 {
                self.wait_for_recovery().await;
            }
        }
        self.wait_for_recovery().await;
        disturbances
    }

    fn choose(&mut self) -> Kind {
        let brokers = self.servers.brokers();
        let weights = if brokers > 1 { &WEIGHTS_OF_CLUSTER[..] } else { &WEIGHTS };
        let is_possible = |kind| brokers > 0 || !matches!(kind, FrozenBroker | KilledBroker);
        let possible = weights.iter().filter(|(_, kind)| is_possible(*kind));
        let kinds: Vec<_> = possible.flat_map(|(weight, kind)| repeat_n(*kind, *weight)).collect();
        kinds[self.random.usize(..kinds.len())]
    }

    async fn wait_for_recovery(&self) {
        for (number, instance) in self.instances.iter().enumerate() {
            if timeout(RECOVERY, instance.service.until_ready()).await.is_err() {
                self.recorder.timed_out(format!("instance {number} was not ready within {RECOVERY:?}"));
            }
        }
    }

    async fn disturb(&mut self, kind: Kind, instance: usize) {
        match kind {
            KilledInstance => self.end(instance, "KILL").await,
            EndedInstance => self.end(instance, "TERM").await,
            FrozenInstance => {
                self.instances[instance].service.signal("STOP");
                self.pause(1_000..10_000).await;
                self.instances[instance].service.signal("CONT");
            }
            FrozenBroker | KilledBroker => self.disturb_broker(kind).await,
            _ => self.disturb_network(kind, instance).await,
        }
    }

    async fn disturb_broker(&mut self, kind: Kind) {
        let broker = self.random.usize(..self.servers.brokers());
        // A cluster goes on without one of its brokers, and must recover however long that is missing.
        let longest = if self.servers.brokers() > 1 { 6_000 } else { 1 };
        if kind == KilledBroker {
            let pause = Duration::from_millis(self.random.u64(..longest));
            self.servers.kill_broker(broker, pause).await;
        } else {
            let time = Duration::from_millis(self.random.u64(500..5_000));
            self.servers.freeze_broker(broker, time).await;
        }
    }

    async fn disturb_network(&mut self, kind: Kind, instance: usize) {
        let proxy = self.instances[instance].proxy.as_ref().expect("there is a proxy to one broker");
        let delay = Duration::from_millis(self.random.u64(200..4_000));
        let (held_request, held_response) = (Fault::HoldRequest(delay), Fault::HoldResponse(delay));
        match kind {
            CutNetwork => proxy.cut(),
            SlowNetwork => proxy.slow(Duration::from_millis(self.random.u64(5..100))),
            LateCommits => proxy.inject(Api::EndTxn, held_request, 4),
            LateCommitAnswers => proxy.inject(Api::EndTxn, held_response, 4),
            LostCommits => proxy.inject(Api::EndTxn, Fault::DropRequest, usize::MAX),
            LostCommitAnswers => proxy.inject(Api::EndTxn, Fault::DropResponse, usize::MAX),
            LateRecords => proxy.inject(Api::Produce, held_request, 4),
            LostClaims => {
                proxy.inject(Api::InitProducerId, Fault::DropResponse, 4);
                proxy.inject(Api::EndTxn, Fault::DropResponse, 1);
            }
            other => panic!("{other:?} is not a network fault"),
        }
        sleep(Duration::from_millis(self.random.u64(1_000..8_000))).await;
        proxy.heal();
    }

    /// Ends an instance, and restarts it a little later.
    async fn end(&mut self, instance: usize, signal: &str) {
        self.instances[instance].service.signal(signal);
        self.instances[instance].service.ended().await;
        self.pause(0..3_000).await;
        self.instances[instance].service.restart();
    }

    async fn pause(&mut self, milliseconds: std::ops::Range<u64>) {
        sleep(Duration::from_millis(self.random.u64(milliseconds))).await;
    }
}
