use std::time::{Duration, Instant};

use test_kit::setting;

use crate::{fault_run::FaultRun, servers::RunServers, summary::Summary};

/// How long faults are injected for each seed of the long run.
const ROUND: Duration = Duration::from_secs(50);
/// The number of instances in the short run.
const INSTANCES: usize = 2;

#[tokio::test]
async fn every_answer_is_correct_despite_faults() {
    let run =
        FaultRun { seed: setting("FAULTS_SEED", 3), instances: INSTANCES, time: Duration::from_secs(12) };
    let outcome = run.run(RunServers::Shared).await;
    let mut summary = Summary::default();
    summary.add(&outcome);
    println!("{summary}");
    assert_eq!(outcome.violations, []);
    assert!(outcome.timeouts.is_empty(), "{:?}", outcome.timeouts);
}

#[tokio::test]
#[ignore = "takes minutes: `make faults` runs it"]
async fn every_answer_is_correct_for_many_minutes() {
    run_for_many_minutes(&RunServers::own().await).await;
}

#[tokio::test]
#[ignore = "takes minutes: `make faults` runs it"]
async fn every_answer_is_correct_while_one_of_three_brokers_fails() {
    run_for_many_minutes(&RunServers::cluster().await).await;
}

async fn run_for_many_minutes(servers: &RunServers) {
    let time = Duration::from_mins(setting("FAULTS_MINUTES", 5));
    let instances = usize::try_from(setting("FAULTS_INSTANCES", 2)).unwrap();
    let first = setting("FAULTS_SEED", fastrand::u64(..1_000_000));
    let mut summary = Summary::default();
    let mut failed = Vec::new();
    let start = Instant::now();
    for seed in first.. {
        let outcome = FaultRun { seed, instances, time: ROUND.min(time) }.run(servers.clone()).await;
        summary.add(&outcome);
        if !outcome.is_correct() {
            failed.push(seed);
        }
        if start.elapsed() >= time {
            break;
        }
    }
    println!("{summary}");
    assert!(failed.is_empty(), "violations or timeouts with seeds {failed:?}: see target/faults");
    assert!(summary.evicted_repeated > 0, "no order lived long enough for a command to be evicted");
}
