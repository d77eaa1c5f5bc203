//! A model test of the write protocol: several instances share one shard of a simulated broker, in one thread; the
//! shard has two partitions. Each instance runs the production mailbox, queue, loop and writer; only the broker, the
//! clock and the snapshots are simulated. A seed decides which instance runs between any two requests, how much time
//! passes, and what happens to each request: it may fail, its answer may be lost, and it may arrive late or never.
//! Instances crash and freeze, clients retry, and in some schedules the layout of the shards is changed. At the end the
//! log and all answers must agree.
//!
//! `FOLDLINE_MODEL_SEED=17` repeats a schedule and prints it. `FOLDLINE_MODEL_SCHEDULES=200000` runs more of them.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod account;
mod broker;
mod check;
mod clients;
mod clock;
mod log;
mod logging;
mod outcome;
mod planted_bug;
mod random;
mod regressions;
mod scheduler;
mod snapshots;
mod world;

use std::env;

use planted_bug::PlantedBug;

/// How many schedules are run by default.
const SCHEDULES: u64 = 5_000;
/// After how many schedules a planted bug counts as not found. Most are found by one of the first hundreds.
const MOST_SCHEDULES: u64 = 40_000;

#[test]
fn the_log_and_all_answers_agree_whatever_happens() {
    if let Some(seed) = setting("FOLDLINE_MODEL_SEED") {
        let (world, passed) = world::run(seed, None, true);
        println!("{}", world.scheduler.trace());
        assert_eq!(passed, Ok(()));
        return;
    }
    let schedules = setting("FOLDLINE_MODEL_SCHEDULES").unwrap_or(SCHEDULES);
    if let Some((seed, reason)) = first_failure(0..schedules, None) {
        panic!("schedule {seed}: {reason}\n{}", traced(seed, None));
    }
}

/// The first schedule that fails, and why.
fn first_failure(seeds: impl IntoIterator<Item = u64>, bug: Option<PlantedBug>) -> Option<(u64, String)> {
    seeds.into_iter().find_map(|seed| Some((seed, world::run(seed, bug, false).1.err()?)))
}

/// The trace of a schedule.
fn traced(seed: u64, bug: Option<PlantedBug>) -> String {
    world::run(seed, bug, true).0.scheduler.trace()
}

/// Checks that a planted bug makes a schedule fail.
fn assert_found(bug: PlantedBug) {
    let (seed, reason) = first_failure(0..MOST_SCHEDULES, Some(bug)).expect("the planted bug is not found");
    println!("found by schedule {seed}: {reason}");
}

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn reading_before_all_inits_is_found() {
    assert_found(PlantedBug::ReadsBeforeInits);
}

#[test]
fn not_reading_a_partition_to_its_end_is_found() {
    assert_found(PlantedBug::ForgetsAPartition);
}

#[test]
fn leaving_an_id_unfenced_is_found() {
    assert_found(PlantedBug::LeavesAnIdUnfenced);
}

#[test]
fn claiming_in_a_layout_that_has_been_changed_is_found() {
    assert_found(PlantedBug::IgnoresTheLayout);
}

#[test]
fn leaving_an_id_of_the_old_layout_unfenced_is_found() {
    assert_found(PlantedBug::LeavesALayoutUnfenced);
}

#[test]
fn recording_a_layout_before_the_old_one_is_fenced_is_found() {
    assert_found(PlantedBug::RecordsTheLayoutEarly);
}

#[test]
fn answering_before_the_commit_is_found() {
    assert_found(PlantedBug::AnswersBeforeCommit);
}

#[test]
fn trusting_a_fenced_commit_to_have_failed_is_found() {
    assert_found(PlantedBug::TrustsFenced);
}

#[test]
fn forgetting_the_keys_at_a_takeover_is_found() {
    assert_found(PlantedBug::ForgetsKeys);
}

#[test]
fn answering_without_checking_the_ownership_is_found() {
    assert_found(PlantedBug::NeverConfirms);
}

#[test]
fn committing_offsets_apart_from_events_is_found() {
    assert_found(PlantedBug::CommitsOffsetsApart);
}

#[test]
fn folding_before_the_commit_is_found() {
    assert_found(PlantedBug::FoldsBeforeCommit);
}

#[test]
fn committing_before_the_previous_group_is_committed_is_found() {
    assert_found(PlantedBug::CommitsOutOfTurn);
}

#[test]
fn committing_a_group_after_the_previous_one_failed_is_found() {
    assert_found(PlantedBug::KeepsAfterFailure);
}

#[test]
fn dropping_a_command_id_before_it_is_saved_is_found() {
    assert_found(PlantedBug::DropsEvictedCommands);
}
