//! A run: sessions and faults, a quiet period at each end, and the check of all answers and rows against the log.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::join_all;
use test_kit::{
    OwnServers, Service, TestEnvironment,
    read_history::{Offsets, ReadHistory, Violation, check},
    repository,
};
use tokio::time::{Instant, sleep};

use crate::{
    chaos::{Disturbance, inject_faults},
    database, fold, log, operator, poison,
    recorder::Recorder,
    services::{PROJECTIONS, Services},
    session::Session,
};

/// The number of sessions that write and query. The other clients only write, so that there is load while sessions
/// wait.
const SESSIONS: usize = 24;
const WRITERS: usize = 16;
/// The length of the quiet periods at both ends of a run.
const QUIET: Duration = Duration::from_secs(1);
/// How long a read model that lags behind the log may make no progress after all faults were healed.
const STANDSTILL: Duration = Duration::from_secs(30);
/// The time between two checks of the read model.
const PAUSE: Duration = Duration::from_millis(20);

/// The parameters of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FaultRun {
    pub(crate) seed: u64,
    /// Commands per second.
    pub(crate) rate: u32,
    /// How long faults are injected.
    pub(crate) time: Duration,
}

/// The outcome of a run.
pub(crate) struct Outcome {
    pub(crate) history: ReadHistory,
    pub(crate) disturbances: Vec<Disturbance>,
    pub(crate) violations: Vec<Violation>,
    /// Conditions that were not met in time.
    pub(crate) timeouts: Vec<String>,
    service_logs: Vec<String>,
}

impl FaultRun {
    /// Runs on these servers, of which at least Postgres is not shared. Saves a failed run.
    pub(crate) async fn run(self, own: Arc<OwnServers>) -> Outcome {
        println!("{self:?}");
        let environment = prepared(TestEnvironment::on(own.servers.clone())).await;
        let mut services = Services::start(own, environment).await;
        let recorder = Recorder::new(&services);
        let disturbances = self.run_with_faults(&mut services, &recorder).await;
        let outcome = Outcome::of(services, recorder, disturbances).await;
        if !outcome.is_correct() {
            println!("saved in {}", outcome.save(self.seed).display());
        }
        outcome
    }

    /// Runs sessions while injecting faults.
    async fn run_with_faults(self, services: &mut Services, recorder: &Recorder) -> Vec<Disturbance> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let faults = random.fork();
        let each = Duration::from_secs(1).mul_f64((SESSIONS + WRITERS) as f64 / f64::from(self.rate));
        let sessions = (0..SESSIONS + WRITERS)
            .map(|number| Session::new(recorder, number, random.fork()).run(each, number < SESSIONS));
        let faults = async {
            sleep(QUIET).await;
            let disturbances = inject_faults(services, recorder, faults, self.time).await;
            sleep(QUIET).await;
            recorder.stop();
            disturbances
        };
        tokio::join!(faults, join_all(sessions)).0
    }
}

impl Outcome {
    /// Reads the log, the rows and the parked records at the end of the run, and checks the history.
    async fn of(mut services: Services, recorder: Recorder, disturbances: Vec<Disturbance>) -> Self {
        let log = log::read(&services.environment).await;
        let ends = log::ends(&log);
        let (steps, unfit) = fold::orders::of(&log);
        let mut history =
            ReadHistory { steps, unfit, projections: fold::projections(&log), ..recorder.history() };
        caught_up(&services.environment, &ends, &recorder).await;
        read_rows(&mut history, "live", &services.environment).await;
        read_parked(&mut history, &services.environment).await;
        for failure in operator::verify_all(&services.environment).await {
            recorder.timed_out(failure);
        }
        let service_logs = services.all().map(Service::log).collect();
        services.projectors.clear();
        let rebuilt = rebuilt_from_scratch(&services, &ends, &recorder).await;
        read_rows(&mut history, "rebuilt", &rebuilt).await;
        let violations = check(&history);
        let timeouts = recorder.timeouts();
        Self { history, disturbances, violations, timeouts, service_logs }
    }

    /// Whether there are no violations and no timeouts.
    pub(crate) fn is_correct(&self) -> bool {
        self.violations.is_empty() && self.timeouts.is_empty()
    }

    /// Writes the run to target/faults/read-<seed>.
    fn save(&self, seed: u64) -> PathBuf {
        let folder = repository().join(format!("target/faults/read-{seed}"));
        let lines = |lines: Vec<String>| lines.join("\n");
        let violations =
            self.violations.iter().map(ToString::to_string).chain(self.timeouts.clone()).collect();
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("violations.txt"), lines(violations)).unwrap();
        let faults = self.disturbances.iter().map(ToString::to_string).collect();
        fs::write(folder.join("faults.txt"), lines(faults)).unwrap();
        fs::write(folder.join("history.json"), serde_json::to_vec(&self.history).unwrap()).unwrap();
        for (number, log) in self.service_logs.iter().enumerate() {
            fs::write(folder.join(format!("service-{number}.log")), log).unwrap();
        }
        folder
    }
}

/// Creates topics, schemas and tables, and adds the constraints that refuse poisoned events.
async fn prepared(environment: TestEnvironment) -> TestEnvironment {
    let environment = tokio::task::spawn_blocking(|| environment.prepare()).await.unwrap();
    poison::refuse(&environment).await;
    environment
}

/// Waits until every projection has applied or parked the whole log, and records if it does not.
async fn caught_up(environment: &TestEnvironment, ends: &Offsets, recorder: &Recorder) {
    for projection in PROJECTIONS {
        let (mut seen, mut since) = (None, Instant::now());
        loop {
            let offsets = database::offsets(environment, projection).await;
            if offsets.as_ref().is_ok_and(|offsets| offsets == ends) {
                break;
            }
            if since.elapsed() > STANDSTILL {
                recorder.timed_out(format!("{projection} is at {offsets:?}, the log at {ends:?}"));
                break;
            }
            let offsets = offsets.ok();
            if offsets != seen {
                (seen, since) = (offsets, Instant::now());
            }
            sleep(PAUSE).await;
        }
    }
}

/// Adds the rows of every projection.
async fn read_rows(history: &mut ReadHistory, model: &str, environment: &TestEnvironment) {
    history.models.insert(model.to_owned(), database::model(environment).await);
    for (name, projected) in &mut history.projections {
        projected.models.insert(model.to_owned(), database::rows(environment, name).await);
    }
}

/// Adds the parked records of every projection.
async fn read_parked(history: &mut ReadHistory, environment: &TestEnvironment) {
    history.parked = database::parked(environment, "orders").await;
    for (name, projected) in &mut history.projections {
        projected.parked = database::parked(environment, name).await;
    }
}

/// A new database, which a projector has filled from the same log.
async fn rebuilt_from_scratch(services: &Services, ends: &Offsets, recorder: &Recorder) -> TestEnvironment {
    let rebuilt = TestEnvironment {
        database_prefix: TestEnvironment::on(services.own.servers.clone()).database_prefix,
        ..services.environment.clone()
    };
    let migrated = rebuilt.clone();
    tokio::task::spawn_blocking(move || migrated.foldline("migrations apply")).await.unwrap();
    poison::refuse(&rebuilt).await;
    let projector = Service::projector(&rebuilt, "orders");
    caught_up(&rebuilt, ends, recorder).await;
    drop(projector);
    rebuilt
}
