//! A run: clients and faults, a quiet period at each end, and the check of all answers against the log.

use std::{fs, path::PathBuf, time::Duration};

use futures_util::future::join_all;
use test_kit::{
    TestEnvironment,
    history::{History, Violation, check},
    repository,
};
use tokio::time::sleep;

use crate::{
    chaos::{Chaos, Disturbance},
    instances, log,
    order_rules::OrderRules,
    recorder::Recorder,
    servers::RunServers,
    workload::Workload,
};

const CLIENTS: usize = 16;
/// The length of the quiet periods at both ends of a run.
const QUIET: Duration = Duration::from_secs(2);

/// The parameters of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FaultRun {
    pub(crate) seed: u64,
    pub(crate) instances: usize,
    /// How long faults are injected.
    pub(crate) time: Duration,
}

/// The outcome of a run.
pub(crate) struct Outcome {
    pub(crate) history: History,
    pub(crate) disturbances: Vec<Disturbance>,
    pub(crate) violations: Vec<Violation>,
    /// Conditions that were not met in time.
    pub(crate) timeouts: Vec<String>,
    /// How many commands were repeated after their orders had evicted them.
    pub(crate) evicted_repeated: usize,
    service_logs: Vec<String>,
}

impl FaultRun {
    /// Runs on these servers. Saves a failed run.
    pub(crate) async fn run(self, servers: RunServers) -> Outcome {
        println!("{self:?}");
        let environment = TestEnvironment::on(servers.addresses()).prepare();
        let instances = instances::start(&environment, self.instances).await;
        let urls = instances.iter().map(|instance| instance.service.url.clone()).collect();
        let recorder = Recorder::new(urls);
        let mut random = fastrand::Rng::with_seed(self.seed);
        let workload = Workload::new();
        let mut chaos = Chaos { servers, instances, recorder: &recorder, random: random.fork() };
        let clients = (0..CLIENTS).map(|number| workload.run(&recorder, number, random.fork()));
        let faults = async {
            sleep(QUIET).await;
            let disturbances = chaos.run(self.time).await;
            sleep(QUIET).await;
            workload.stop();
            disturbances
        };
        let (disturbances, _) = tokio::join!(faults, join_all(clients));
        let history = History { attempts: recorder.attempts(), log: log::read(&environment).await };
        let violations = check(&OrderRules, &history);
        let service_logs = chaos.instances.iter().map(|instance| instance.service.log()).collect();
        let outcome = Outcome {
            history,
            disturbances,
            violations,
            timeouts: recorder.timeouts(),
            evicted_repeated: workload.evicted_repeated(),
            service_logs,
        };
        if !outcome.is_correct() {
            println!("saved in {}", outcome.save(self.seed).display());
        }
        outcome
    }
}

impl Outcome {
    /// Whether there are no violations and no timeouts.
    pub(crate) fn is_correct(&self) -> bool {
        self.violations.is_empty() && self.timeouts.is_empty()
    }

    /// Writes the run to target/faults/<seed>.
    fn save(&self, seed: u64) -> PathBuf {
        let folder = repository().join(format!("target/faults/{seed}"));
        let violations: Vec<_> =
            self.violations.iter().map(ToString::to_string).chain(self.timeouts.clone()).collect();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("violations.txt"), violations.join("\n")).unwrap();
        let faults: Vec<_> = self.disturbances.iter().map(ToString::to_string).collect();
        fs::write(folder.join("faults.txt"), faults.join("\n")).unwrap();
        fs::write(folder.join("history.json"), serde_json::to_vec(&self.history).unwrap()).unwrap();
        for (number, log) in self.service_logs.iter().enumerate() {
            fs::write(folder.join(format!("instance-{number}.log")), log).unwrap();
        }
        folder
    }
}
