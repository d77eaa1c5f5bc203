use std::time::{Duration, Instant};

use test_kit::setting;

use crate::{fault_run::FaultRun, instances::own_servers, summary::Summary};

/// How long faults are injected for each seed of the long run.
const ROUND: Duration = Duration::from_secs(50);
/// The number of instances in the short run.
const INSTANCES: usize = 2;

#[tokio::test]
async fn every_answer_is_correct_despite_faults() {
    let run =
        FaultRun { seed: setting("FAULTS_SEED", 3), instances: INSTANCES, time: Duration::from_secs(12) };
    let outcome = run.run(None).await;
    let mut summary = Summary::default();
    summary.add(&outcome);
    println!("{summary}");
    assert_eq!(outcome.violations, []);
    assert!(outcome.timeouts.is_empty(), "{:?}", outcome.timeouts);
}

#[tokio::test]
#[ignore = "takes minutes: `make faults` runs it"]
async fn every_answer_is_correct_for_many_minutes() {
    let time = Duration::from_mins(setting("FAULTS_MINUTES", 5));
    let instances = usize::try_from(setting("FAULTS_INSTANCES", 2)).unwrap();
    let first = setting("FAULTS_SEED", fastrand::u64(..1_000_000));
    let own = Some(own_servers().await);
    let mut summary = Summary::default();
    let mut failed = Vec::new();
    let start = Instant::now();
    for seed in first.. {
        let outcome = FaultRun { seed, instances, time: ROUND.min(time) }.run(own.clone()).await;
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
