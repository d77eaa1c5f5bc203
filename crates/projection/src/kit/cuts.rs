//! Checks that the rows do not depend on how events are divided into batches.

use std::collections::VecDeque;

use fastrand::Rng;
use futures_util::future::join_all;
use sqlx::postgres::PgConnectOptions;

use super::{
    log::{Entry, PARTITIONS},
    rows::Rows,
};
use crate::{GenerationState, Projection};

/// For a history of up to this many facts, all cuts are tried.
const MAX_EXHAUSTIVE: usize = 6;
/// The number of random cuts that are tried.
const RANDOM_CUTS: u64 = 16;

/// Panics at the first cut that leads to other rows than applying one event at a time.
pub(super) async fn assert_rows_agree<P: Projection>(
    projection: &P,
    database: &PgConnectOptions,
    entries: &[Entry<P::Event>],
) {
    let checker = Checker { projection, database };
    let expected = checker.rows(&one_by_one(entries), GenerationState::Live, "one event at a time").await;
    if entries.len() <= MAX_EXHAUSTIVE {
        for cut in all_cuts(entries) {
            checker.assert_rows(&expected, &cut, GenerationState::Live, "partitions in log order").await;
        }
    }
    for seed in 0..RANDOM_CUTS {
        let rng = &mut Rng::with_seed(seed);
        let cut = random_cut(interleaved(entries, rng), rng);
        let generation = if seed % 2 == 0 { GenerationState::Live } else { GenerationState::Building };
        let how = format!("{generation:?}, partitions interleaved with seed {seed}");
        checker.assert_rows(&expected, &cut, generation, &how).await;
    }
    let concurrent = checker.rows_of_concurrent_projectors(entries).await;
    assert_eq!(concurrent, expected, "concurrent projectors, one per partition, lead to different rows");
}

type Cut<E> = Vec<Vec<Entry<E>>>;

struct Checker<'s, P> {
    projection: &'s P,
    database: &'s PgConnectOptions,
}

impl<P: Projection> Checker<'_, P> {
    async fn assert_rows(&self, expected: &[String], cut: &Cut<P::Event>, state: GenerationState, how: &str) {
        let sizes: Vec<_> = cut.iter().map(Vec::len).collect();
        let how = format!("batches of {sizes:?}, {how}");
        let found = self.rows(cut, state, &how).await;
        assert_eq!(found, expected, "{how}, lead to different rows than one event at a time");
    }

    async fn rows(&self, cut: &Cut<P::Event>, state: GenerationState, how: &str) -> Vec<String> {
        let mut rows = Rows::empty(self.projection, self.database, state).await;
        for batch in cut {
            rows.apply(batch).await.unwrap_or_else(|error| panic!("{how}: {error}"));
        }
        rows.all().await
    }

    async fn rows_of_concurrent_projectors(&self, entries: &[Entry<P::Event>]) -> Vec<String> {
        let mut rows = Rows::empty(self.projection, self.database, GenerationState::Live).await;
        join_all((0..PARTITIONS).map(|partition| self.fill(partition, entries))).await;
        rows.all().await
    }

    /// Applies the events of one partition, a few at a time.
    async fn fill(&self, partition: i32, entries: &[Entry<P::Event>]) {
        let entries = entries.iter().filter(|entry| entry.partition() == partition).cloned().collect();
        let mut rows = Rows::of_partitions(self.projection, self.database, &[partition]).await;
        for batch in random_cut(entries, &mut Rng::with_seed(partition.unsigned_abs().into())) {
            let applied = rows.apply(&batch).await;
            applied.unwrap_or_else(|error| {
                panic!("partition {partition}, concurrently with the others: {error}")
            });
        }
    }
}

fn one_by_one<E: Clone>(entries: &[Entry<E>]) -> Cut<E> {
    entries.iter().map(|entry| vec![entry.clone()]).collect()
}

/// Every possible cut. Each bit of a number decides whether a batch ends at that gap.
fn all_cuts<E: Clone>(entries: &[Entry<E>]) -> impl Iterator<Item = Cut<E>> {
    let gaps = entries.len().saturating_sub(1);
    (0..1_u32 << gaps).map(move |ends| cut(entries.to_vec(), |gap| ends >> gap & 1 == 1))
}

/// A random cut, with short or long batches.
fn random_cut<E>(entries: Vec<Entry<E>>, rng: &mut Rng) -> Cut<E> {
    let probability = rng.f64();
    cut(entries, |_| rng.f64() < probability)
}

/// Ends a batch at each gap for which `ends` returns true.
fn cut<E>(entries: Vec<Entry<E>>, mut ends: impl FnMut(usize) -> bool) -> Cut<E> {
    let mut batches = Cut::new();
    let mut batch = Vec::new();
    for (gap, entry) in entries.into_iter().enumerate() {
        if gap > 0 && ends(gap - 1) {
            batches.push(std::mem::take(&mut batch));
        }
        batch.push(entry);
    }
    batches.push(batch);
    batches
}

/// Interleaves the partitions at random, and keeps the order within each.
fn interleaved<E: Clone>(entries: &[Entry<E>], rng: &mut Rng) -> Vec<Entry<E>> {
    let mut partitions: Vec<VecDeque<_>> = (0..PARTITIONS)
        .map(|partition| entries.iter().filter(|entry| entry.partition() == partition).collect())
        .collect();
    let mut interleaved = Vec::with_capacity(entries.len());
    while interleaved.len() < entries.len() {
        let partition = rng.usize(..partitions.len());
        interleaved.extend(partitions[partition].pop_front().cloned());
    }
    interleaved
}
