use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use test_kit::{OwnServers, Servers, setting};
use tokio::task::spawn_blocking;

use crate::{fault_run::FaultRun, summary::Summary};

#[tokio::test(flavor = "multi_thread")]
async fn rows_and_answers_are_correct_despite_faults() {
    let own = Arc::new(spawn_blocking(|| OwnServers::postgres_only(Servers::shared())).await.unwrap());
    let run = FaultRun { seed: setting("FAULTS_SEED", 3), rate: 60, time: Duration::from_secs(15) };
    let outcome = run.run(own).await;
    let mut summary = Summary::default();
    summary.add(&outcome);
    println!("{summary}");
    assert_eq!(outcome.violations, []);
    assert!(outcome.timeouts.is_empty(), "{:?}", outcome.timeouts);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: `make faults` runs it"]
async fn rows_and_answers_are_correct_for_many_minutes() {
    let time = Duration::from_mins(setting("FAULTS_MINUTES", 5));
    let round = Duration::from_mins(setting("FAULTS_ROUND_MINUTES", 1));
    let rate = u32::try_from(setting("FAULTS_RATE", 500)).unwrap();
    let first = setting("FAULTS_SEED", fastrand::u64(..1_000_000));
    let own = Arc::new(spawn_blocking(OwnServers::start).await.unwrap());
    let mut summary = Summary::default();
    let mut failed = Vec::new();
    let start = Instant::now();
    for seed in first.. {
        let outcome = FaultRun { seed, rate, time: round.min(time) }.run(Arc::clone(&own)).await;
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
}
