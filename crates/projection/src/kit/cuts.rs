//! However events are cut into batches, the rows must be the same as when events are applied one at a time.

use std::collections::VecDeque;

use fastrand::Rng;
use futures_util::future::join_all;
use sqlx::postgres::PgConnectOptions;

use super::{
    log::{Entry, PARTITIONS},
    rows::Rows,
};
use crate::{GenerationState, Projection};

/// A history of up to this many facts has few enough cuts to try all of them.
const SHORT: usize = 6;
/// The number of random cuts that are tried.
const THROWS: u64 = 16;

/// Panics at the first cut that leads to different rows.
pub(super) async fn agree<P: Projection>(
    projection: &P,
    database: &PgConnectOptions,
    entries: &[Entry<P::Event>],
) {
    let stage = Stage { projection, database };
    let expected = stage.rows(&ones(entries), GenerationState::Live, "one event at a time").await;
    if entries.len() <= SHORT {
        for cut in every_cut(entries) {
            stage.require(&expected, &cut, GenerationState::Live, "partitions in log order").await;
        }
    }
    for seed in 0..THROWS {
        let dice = &mut Rng::with_seed(seed);
        let cut = any_cut(mixed(entries, dice), dice);
        let generation = if seed % 2 == 0 { GenerationState::Live } else { GenerationState::Building };
        let how = format!("{generation:?}, partitions mixed by the seed {seed}");
        stage.require(&expected, &cut, generation, &how).await;
    }
    let at_once = stage.rows_of_all_at_once(entries).await;
    assert_eq!(at_once, expected, "one projector per partition, all at once, leads to different rows");
}

type Cut<E> = Vec<Vec<Entry<E>>>;

struct Stage<'s, P> {
    projection: &'s P,
    database: &'s PgConnectOptions,
}

impl<P: Projection> Stage<'_, P> {
    async fn require(&self, expected: &[String], cut: &Cut<P::Event>, state: GenerationState, how: &str) {
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

    async fn rows_of_all_at_once(&self, entries: &[Entry<P::Event>]) -> Vec<String> {
        let mut all = Rows::empty(self.projection, self.database, GenerationState::Live).await;
        join_all((0..PARTITIONS).map(|partition| self.fill(partition, entries))).await;
        all.all().await
    }

    /// Applies the events of one partition, a few at a time.
    async fn fill(&self, partition: i32, entries: &[Entry<P::Event>]) {
        let of_partition = entries.iter().filter(|entry| entry.partition() == partition).cloned().collect();
        let mut rows = Rows::of_partitions(self.projection, self.database, &[partition]).await;
        for batch in any_cut(of_partition, &mut Rng::with_seed(partition.unsigned_abs().into())) {
            let applied = rows.apply(&batch).await;
            applied.unwrap_or_else(|error| {
                panic!("partition {partition}, concurrently with the others: {error}")
            });
        }
    }
}

fn ones<E: Clone>(entries: &[Entry<E>]) -> Cut<E> {
    entries.iter().map(|entry| vec![entry.clone()]).collect()
}

/// Every possible cut. Each bit of a number says whether a batch ends at that gap.
fn every_cut<E: Clone>(entries: &[Entry<E>]) -> impl Iterator<Item = Cut<E>> {
    let gaps = entries.len().saturating_sub(1);
    (0..1_u32 << gaps).map(move |ends| cut(entries.to_vec(), |gap| ends >> gap & 1 == 1))
}

/// A random cut, with short or long batches.
fn any_cut<E>(entries: Vec<Entry<E>>, dice: &mut Rng) -> Cut<E> {
    let often = dice.f64();
    cut(entries, |_| dice.f64() < often)
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
fn mixed<E: Clone>(entries: &[Entry<E>], dice: &mut Rng) -> Vec<Entry<E>> {
    let mut partitions: Vec<VecDeque<_>> = (0..PARTITIONS)
        .map(|partition| entries.iter().filter(|entry| entry.partition() == partition).collect())
        .collect();
    let mut mixed = Vec::with_capacity(entries.len());
    while mixed.len() < entries.len() {
        let partition = dice.usize(..partitions.len());
        mixed.extend(partitions[partition].pop_front().cloned());
    }
    mixed
}
