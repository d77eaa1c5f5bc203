//! Random faults everywhere at once: one injector for each projector, each query API, Postgres and the log. The same
//! seed leads to the same faults.

use std::{ops::Range, sync::Arc, time::Duration};

use futures_util::future::join_all;
use test_kit::{OwnServers, Service, TestEnvironment};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout},
};

use crate::{database, operator, poison, recorder::Recorder, services::Services};

/// How soon every service must be ready again after the last fault was healed.
const RECOVERY: Duration = Duration::from_secs(30);

pub(crate) type Disturbance = test_kit::Disturbance<Kind>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    KilledProjector,
    EndedProjector,
    FrozenProjector,
    JoiningProjector,
    KilledQueryApi,
    FrozenQueryApi,
    KilledPostgres,
    FrozenPostgres,
    CutConnections,
    PoisonRecords,
    Promoted,
    RolledBack,
    Dropped,
    Cancelled,
}

use Kind::{
    CutConnections, EndedProjector, FrozenPostgres, FrozenProjector, FrozenQueryApi, JoiningProjector,
    KilledPostgres, KilledProjector, KilledQueryApi, PoisonRecords,
};

/// Injects faults for this long, heals the last ones, and waits until every service is ready again.
pub(crate) async fn inject_faults(
    services: &mut Services,
    recorder: &Recorder,
    mut random: fastrand::Rng,
    time: Duration,
) -> Vec<Disturbance> {
    let deadline = Instant::now() + time;
    let mut injector =
        |instance| Injector { instance, recorder, random: random.fork(), deadline, disturbances: Vec::new() };
    let Services { own, environment, projectors, queries, .. } = &mut *services;
    let projector_faults: Vec<_> =
        (0..).zip(projectors).map(|(number, service)| injector(number).break_projector(service)).collect();
    let query_api_faults: Vec<_> =
        (0..).zip(queries).map(|(number, service)| injector(number).break_query_api(service)).collect();
    let (joining, postgres, log) = (
        injector(2).join_and_leave(environment),
        injector(0).break_postgres(own, environment),
        injector(0).poison_log(environment),
    );
    let operator = injector(0).operate(environment);
    let results = tokio::join!(
        join_all(projector_faults),
        join_all(query_api_faults),
        joining,
        postgres,
        log,
        operator
    );
    wait_for_recovery(services, recorder).await;
    for failure in operator::rebuild_all(&services.environment).await {
        recorder.timed_out(failure);
    }
    let all = results.0.into_iter().chain(results.1).chain([results.2, results.3, results.4, results.5]);
    let mut disturbances: Vec<_> = all.flatten().collect();
    disturbances.sort_by_key(|disturbance| disturbance.begin);
    disturbances
}

async fn wait_for_recovery(services: &Services, recorder: &Recorder) {
    for service in services.all() {
        if timeout(RECOVERY, service.until_ready()).await.is_err() {
            recorder.timed_out(format!("not ready within {RECOVERY:?}: {service}"));
        }
    }
}

/// Injects faults into one service, one server or the log.
struct Injector<'r> {
    instance: usize,
    recorder: &'r Recorder,
    random: fastrand::Rng,
    deadline: Instant,
    disturbances: Vec<Disturbance>,
}

impl Injector<'_> {
    async fn break_projector(mut self, projector: &mut Service) -> Vec<Disturbance> {
        while self.has_time(500..4_000).await {
            let begin = self.recorder.now();
            let kind = match self.random.u8(..5) {
                0 | 1 => {
                    self.end(projector, "KILL").await;
                    KilledProjector
                }
                2 => {
                    self.end(projector, "TERM").await;
                    EndedProjector
                }
                _ => {
                    // The session timeout of the consumer group is 6 s.
                    self.freeze(projector, 500..11_000).await;
                    FrozenProjector
                }
            };
            self.note(kind, begin);
        }
        self.disturbances
    }

    async fn break_query_api(mut self, query_api: &mut Service) -> Vec<Disturbance> {
        while self.has_time(3_000..12_000).await {
            let begin = self.recorder.now();
            if self.random.bool() {
                self.end(query_api, "KILL").await;
                self.note(KilledQueryApi, begin);
            } else {
                self.freeze(query_api, 500..3_000).await;
                self.note(FrozenQueryApi, begin);
            }
        }
        self.disturbances
    }

    /// Another projector joins the group and leaves it, by SIGTERM or SIGKILL, so partitions move twice.
    async fn join_and_leave(mut self, environment: &TestEnvironment) -> Vec<Disturbance> {
        while self.has_time(1_000..4_000).await {
            let begin = self.recorder.now();
            let mut projector = Service::projector(environment, "orders");
            self.pause(1_000..4_000).await;
            projector.signal(if self.random.bool() { "TERM" } else { "KILL" });
            projector.ended().await;
            self.note(JoiningProjector, begin);
        }
        self.disturbances
    }

    async fn break_postgres(
        mut self,
        own: &Arc<OwnServers>,
        environment: &TestEnvironment,
    ) -> Vec<Disturbance> {
        while self.has_time(1_000..6_000).await {
            let begin = self.recorder.now();
            let kind = match self.random.u8(..4) {
                0 | 1 => {
                    own.change(|own| own.kill("postgres")).await;
                    self.pause(0..1_000).await;
                    own.change(|own| own.start_server("postgres")).await;
                    KilledPostgres
                }
                2 => {
                    own.signal("postgres", "STOP");
                    self.pause(500..3_000).await;
                    own.signal("postgres", "CONT");
                    FrozenPostgres
                }
                _ => {
                    database::cut_connections(environment).await.unwrap();
                    CutConnections
                }
            };
            self.note(kind, begin);
        }
        self.disturbances
    }

    async fn poison_log(mut self, environment: &TestEnvironment) -> Vec<Disturbance> {
        while self.has_time(1_000..5_000).await {
            let begin = self.recorder.now();
            let (environment, mut random) = (environment.clone(), self.random.fork());
            let order = self.recorder.any_order(&mut random);
            spawn_blocking(move || poison::write_invalid_records(&environment, order, &mut random))
                .await
                .unwrap();
            self.note(PoisonRecords, begin);
        }
        self.disturbances
    }

    async fn operate(mut self, environment: &TestEnvironment) -> Vec<Disturbance> {
        while self.has_time(500..3_000).await {
            let begin = self.recorder.now();
            if let Some(kind) = operator::act(environment, &mut self.random).await {
                self.note(kind, begin);
            }
        }
        self.disturbances
    }

    /// Pauses, and returns whether there is time for another fault.
    async fn has_time(&mut self, milliseconds: Range<u64>) -> bool {
        self.pause(milliseconds).await;
        Instant::now() < self.deadline
    }

    fn note(&mut self, kind: Kind, begin: u64) {
        let disturbance = Disturbance { kind, instance: self.instance, begin, end: self.recorder.now() };
        println!("{disturbance}");
        self.disturbances.push(disturbance);
    }

    /// Ends an instance, and restarts it a little later.
    async fn end(&mut self, service: &mut Service, signal: &str) {
        service.signal(signal);
        service.ended().await;
        self.pause(0..2_000).await;
        service.restart();
    }

    async fn freeze(&mut self, service: &Service, time: Range<u64>) {
        service.signal("STOP");
        self.pause(time).await;
        service.signal("CONT");
    }

    async fn pause(&mut self, milliseconds: Range<u64>) {
        sleep(Duration::from_millis(self.random.u64(milliseconds))).await;
    }
}
