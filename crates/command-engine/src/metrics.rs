//! The metrics of the engine, for Prometheus.

use std::{
    collections::HashMap,
    sync::{LazyLock, PoisonError, RwLock},
    time::Duration,
};

use ::metrics::{Counter, counter, gauge, histogram};
use aggregate::Aggregate;

use crate::{Delivery, group::Decision};

/// The counters of answers by outcome. The recorder finds a counter by a key of owned labels, which is too dear for each
/// command.
static ANSWERED: LazyLock<RwLock<HashMap<&'static str, Counter>>> = LazyLock::new(RwLock::default);

/// A command was answered.
pub(crate) fn answered(outcome: &'static str) {
    let known = ANSWERED.read().unwrap_or_else(PoisonError::into_inner).get(outcome).cloned();
    let counter = known.unwrap_or_else(|| {
        let counter = counter!("commands_total", "outcome" => outcome);
        ANSWERED.write().unwrap_or_else(PoisonError::into_inner).insert(outcome, counter.clone());
        counter
    });
    counter.increment(1);
}

/// A group of this many commands was decided.
pub(crate) fn decided(shard: i32, commands: usize) {
    histogram!("command_group_size", "shard" => shard.to_string()).record(commands as f64);
}

/// The events of a group were committed.
pub(crate) fn committed(shard: i32, took: Duration) {
    histogram!("command_commit_seconds", "shard" => shard.to_string()).record(took.as_secs_f64());
}

/// A group was taken, and this many commands still wait.
pub(crate) fn waiting(shard: i32, commands: usize) {
    gauge!("command_queue_length", "shard" => shard.to_string()).set(commands as f64);
}

/// A command was refused because of overload: the queue is full, or the aggregate's share of it, or the wait would be
/// too long.
pub(crate) fn shed(shard: i32, reason: &'static str) {
    counter!("commands_shed_total", "shard" => shard.to_string(), "reason" => reason).increment(1);
}

/// A command that came through Kafka was decided.
pub(crate) fn delivered<A: Aggregate>(delivery: &Delivery<A>, decision: Option<&Decision<A::Refusal>>) {
    let outcome = if matches!(decision, Some(Ok(_))) { "accepted" } else { "refused" };
    counter!("commands_delivered_total", "outcome" => outcome).increment(1);
    if delivery.command.as_ref().is_err_and(|rejection| rejection.dead_letter) {
        counter!("commands_dead_letters_total").increment(1);
    }
}

/// Another instance has replaced this owner.
pub(crate) fn replaced(shard: i32) {
    counter!("shard_replaced_total", "shard" => shard.to_string()).increment(1);
}

/// A shard with this many aggregates was claimed.
pub(crate) fn claimed(shard: i32, aggregates: u64, took: Duration) {
    let label = shard.to_string();
    histogram!("shard_claim_seconds", "shard" => label.clone()).record(took.as_secs_f64());
    counter!("shard_takeovers_total", "shard" => label.clone()).increment(1);
    gauge!("shard_aggregates", "shard" => label.clone()).set(aggregates as f64);
    gauge!("shard_owned", "shard" => label).set(1.0);
}

/// The aggregates of a shard take about this much memory.
pub(crate) fn cached(shard: i32, bytes: usize) {
    gauge!("cache_bytes", "shard" => shard.to_string()).set(bytes as f64);
}

/// A shard is no longer owned.
pub(crate) fn lost(shard: i32) {
    gauge!("shard_owned", "shard" => shard.to_string()).set(0.0);
}

/// The snapshots of a partition were opened, or could not be.
pub(crate) fn snapshots_open(partition: i32, are_open: bool) {
    gauge!("snapshots_open", "partition" => partition.to_string()).set(f64::from(u8::from(are_open)));
}
