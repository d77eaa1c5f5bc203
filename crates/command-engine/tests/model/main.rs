//! The protocol as a model: several instances write one partition of a simulated broker, in one thread. A seed decides
//! who goes on between any two requests to the broker, and what becomes of each: it may fail, its answer may be lost,
//! it may arrive late or never; instances crash and stand still, and clients send again what they were not told of.
//! However it went, the log and all that anybody was told must agree in the end.
//!
//! `FOLDLINE_MODEL_SEED=17` repeats a schedule and prints it, `FOLDLINE_MODEL_SCHEDULES=200000` runs more of them.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is a failure")]
#![allow(clippy::disallowed_methods, reason = "a test may block its thread")]

mod account;
mod broker;
mod check;
mod clients;
mod decision;
mod dice;
mod flaw;
mod found;
mod instance;
mod log;
mod mailbox;
mod snapshots;
mod stage;
mod world;

use std::env;

use flaw::Flaw;

/// How many schedules are run.
const SCHEDULES: u64 = 5_000;

#[test]
fn the_log_and_all_answers_agree_whatever_happens() {
    if let Some(seed) = setting("FOLDLINE_MODEL_SEED") {
        let (world, passed) = world::run(seed, None, true);
        println!("{}", world.stage.trace());
        assert_eq!(passed, Ok(()));
        return;
    }
    let schedules = setting("FOLDLINE_MODEL_SCHEDULES").unwrap_or(SCHEDULES);
    if let Some((seed, what)) = first_failure(0..schedules, None) {
        panic!("schedule {seed}: {what}\n{}", traced(seed, None));
    }
}

/// The first schedule that fails, and why.
fn first_failure(seeds: impl IntoIterator<Item = u64>, flaw: Option<Flaw>) -> Option<(u64, String)> {
    seeds.into_iter().find_map(|seed| Some((seed, world::run(seed, flaw, false).1.err()?)))
}

/// The steps of a schedule.
fn traced(seed: u64, flaw: Option<Flaw>) -> String {
    world::run(seed, flaw, true).0.stage.trace()
}

/// A planted mistake must make a schedule fail.
fn finds(flaw: Flaw) {
    let (seed, what) = first_failure(0..SCHEDULES, Some(flaw)).expect("the planted mistake is not found");
    println!("found by schedule {seed}: {what}");
}

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

#[test]
fn reading_before_all_inits_is_found() {
    finds(Flaw::ReadsBeforeInits);
}

#[test]
fn an_id_that_is_not_fenced_is_found() {
    finds(Flaw::LeavesAnIdUnfenced);
}

#[test]
fn answering_before_the_commit_is_found() {
    finds(Flaw::AnswersBeforeCommit);
}

#[test]
fn taking_fenced_for_a_clean_failure_is_found() {
    finds(Flaw::TrustsFenced);
}

#[test]
fn forgetting_the_keys_at_a_take_over_is_found() {
    finds(Flaw::ForgetsKeys);
}

#[test]
fn answering_without_asking_who_owns_is_found() {
    finds(Flaw::NeverConfirms);
}

#[test]
fn settling_commands_apart_from_their_events_is_found() {
    finds(Flaw::SettlesApart);
}

#[test]
fn folding_before_the_commit_is_found() {
    finds(Flaw::FoldsBeforeCommit);
}
