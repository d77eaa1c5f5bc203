//! A run: sessions, faults, peace, and the check of everything that was told against everything that is there.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use futures_util::future::join_all;
use test_kit::{
    OwnServers, Service, TestEnvironment,
    read_history::{Offsets, ReadHistory, Violation, check},
    repository,
};
use tokio::time::{Instant, sleep};

use crate::{
    chaos::{Disturbance, reign},
    database, fold, log, operator, poison,
    recorder::Recorder,
    session::Session,
    stage::{PROJECTIONS, Stage},
};

/// How many sessions write and ask, and how many only write, so that there is a load whatever the others wait for.
const SESSIONS: usize = 24;
const WRITERS: usize = 16;
/// How long there is peace at both ends of a run.
const PEACE: Duration = Duration::from_secs(1);
/// How long a read model that does not have the whole log may stand still when nothing is broken any more.
const STANDSTILL: Duration = Duration::from_secs(30);
/// How long one look at the read model is apart from the next.
const PAUSE: Duration = Duration::from_millis(20);

/// What a run is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FaultRun {
    pub(crate) seed: u64,
    /// Commands a second.
    pub(crate) rate: u32,
    /// For how long there are faults.
    pub(crate) time: Duration,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) history: ReadHistory,
    pub(crate) disturbances: Vec<Disturbance>,
    pub(crate) violations: Vec<Violation>,
    /// What did not come about in time.
    pub(crate) stuck: Vec<String>,
    service_logs: Vec<String>,
}

impl FaultRun {
    /// Runs on servers of which at least Postgres is its own. A run that is not good is kept.
    pub(crate) async fn run(self, own: Arc<OwnServers>) -> Outcome {
        println!("{self:?}");
        let environment = prepared(TestEnvironment::on(own.servers.clone())).await;
        let mut stage = Stage::set(own, environment).await;
        let recorder = Recorder::new(&stage);
        let disturbances = self.disturbed(&mut stage, &recorder).await;
        let outcome = Outcome::of(stage, recorder, disturbances).await;
        if !outcome.is_good() {
            println!("kept in {}", outcome.keep(self.seed).display());
        }
        outcome
    }

    /// Sessions and faults side by side.
    async fn disturbed(self, stage: &mut Stage, recorder: &Recorder) -> Vec<Disturbance> {
        let mut random = fastrand::Rng::with_seed(self.seed);
        let faults = random.fork();
        let each = Duration::from_secs(1).mul_f64((SESSIONS + WRITERS) as f64 / f64::from(self.rate));
        let sessions = (0..SESSIONS + WRITERS)
            .map(|number| Session::new(recorder, number, random.fork()).run(each, number < SESSIONS));
        let faults = async {
            sleep(PEACE).await;
            let disturbances = reign(stage, recorder, faults, self.time).await;
            sleep(PEACE).await;
            recorder.end();
            disturbances
        };
        tokio::join!(faults, join_all(sessions)).0
    }
}

impl Outcome {
    /// What is there when all is said, and whether it is true.
    async fn of(mut stage: Stage, recorder: Recorder, disturbances: Vec<Disturbance>) -> Self {
        let log = log::read(&stage.environment).await;
        let ends = log::ends(&log);
        let (steps, unfit) = fold::orders::of(&log);
        let mut history =
            ReadHistory { steps, unfit, projections: fold::projections(&log), ..recorder.told() };
        caught_up(&stage.environment, &ends, &recorder).await;
        read_rows(&mut history, "live", &stage.environment).await;
        read_parked(&mut history, &stage.environment).await;
        for complaint in operator::verify_all(&stage.environment).await {
            recorder.stuck(complaint);
        }
        let service_logs = stage.services().map(Service::log).collect();
        stage.projectors.clear();
        let rebuilt = rebuilt_from_zero(&stage, &ends, &recorder).await;
        read_rows(&mut history, "rebuilt", &rebuilt).await;
        let violations = check(&history);
        let stuck = recorder.all_stuck();
        Self { history, disturbances, violations, stuck, service_logs }
    }

    /// Whether everything was true, and came in time.
    pub(crate) fn is_good(&self) -> bool {
        self.violations.is_empty() && self.stuck.is_empty()
    }

    /// Writes everything that is known into target/faults/read-<seed>.
    fn keep(&self, seed: u64) -> PathBuf {
        let folder = repository().join(format!("target/faults/read-{seed}"));
        let lines = |lines: Vec<String>| lines.join("\n");
        let violations = self.violations.iter().map(ToString::to_string).chain(self.stuck.clone()).collect();
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

/// Topics, schemas and tables, and the tables refuse what they shall refuse.
async fn prepared(environment: TestEnvironment) -> TestEnvironment {
    let environment = tokio::task::spawn_blocking(|| environment.prepare()).await.unwrap();
    poison::refuse(&environment).await;
    environment
}

/// Waits until everything in the log is applied or parked by every projection, or notes that it is not.
async fn caught_up(environment: &TestEnvironment, ends: &Offsets, recorder: &Recorder) {
    for projection in PROJECTIONS {
        let (mut seen, mut since) = (None, Instant::now());
        loop {
            let offsets = database::offsets(environment, projection).await;
            if offsets.as_ref().is_ok_and(|offsets| offsets == ends) {
                break;
            }
            if since.elapsed() > STANDSTILL {
                recorder.stuck(format!("{projection} is at {offsets:?}, the log at {ends:?}"));
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

/// Adds what is in the tables of every projection.
async fn read_rows(history: &mut ReadHistory, model: &str, environment: &TestEnvironment) {
    history.models.insert(model.to_owned(), database::model(environment).await);
    for (name, projected) in &mut history.projections {
        projected.models.insert(model.to_owned(), database::rows(environment, name).await);
    }
}

/// Adds what every projection has parked.
async fn read_parked(history: &mut ReadHistory, environment: &TestEnvironment) {
    history.parked = database::parked(environment, "orders").await;
    for (name, projected) in &mut history.projections {
        projected.parked = database::parked(environment, name).await;
    }
}

/// A database of its own in which a projector has read the same log.
async fn rebuilt_from_zero(stage: &Stage, ends: &Offsets, recorder: &Recorder) -> TestEnvironment {
    let beside = TestEnvironment {
        database_prefix: TestEnvironment::on(stage.own.servers.clone()).database_prefix,
        ..stage.environment.clone()
    };
    let migrated = beside.clone();
    tokio::task::spawn_blocking(move || migrated.foldline("migrations apply")).await.unwrap();
    poison::refuse(&beside).await;
    let projector = Service::projector(&beside, "orders");
    caught_up(&beside, ends, recorder).await;
    drop(projector);
    beside
}
