//! Random faults, one after another. The same seed leads to the same faults.

use std::{iter::repeat_n, sync::Arc, time::Duration};

use test_kit::{Api, Fault, OwnServers};
use tokio::time::{Instant, sleep, timeout};

use crate::{instances::Instance, recorder::Recorder};

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

/// Injects faults into the instances and servers of a run.
pub(crate) struct Chaos<'r> {
    /// The servers, if faults may affect them too.
    pub(crate) own: Option<Arc<OwnServers>>,
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
        let is_possible = |kind| self.own.is_some() || !matches!(kind, FrozenBroker | KilledBroker);
        let possible = WEIGHTS.iter().filter(|(_, kind)| is_possible(*kind));
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
        let own =
            Arc::clone(self.own.as_ref().expect("faults of the broker are chosen only with own servers"));
        if kind == KilledBroker {
            own.change(|own| own.kill("kafka")).await;
            own.change(|own| own.start_server("kafka")).await;
        } else {
            own.signal("kafka", "STOP");
            self.pause(500..5_000).await;
            own.signal("kafka", "CONT");
        }
    }

    async fn disturb_network(&mut self, kind: Kind, instance: usize) {
        let proxy = &self.instances[instance].proxy;
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
        self.pause(1_000..8_000).await;
        self.instances[instance].proxy.heal();
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
