//! The aggregates in memory, in three sets: changed since the last save began, being saved, and saved. Only saved ones
//! may be evicted.
//!
//! A save takes the changed set without copying it. An aggregate that changes while it is saved is copied then.

use std::{collections::HashMap, sync::Arc};

use aggregate::AggregateId;
use hashlink::LinkedHashMap;

use super::CachedAggregate;
use crate::snapshots::Aggregates;

pub(super) struct CacheEntries<S> {
    changed: Aggregates<S>,
    saving: Arc<Aggregates<S>>,
    /// In order of use, the least recently used first.
    saved: LinkedHashMap<AggregateId, CachedAggregate<S>>,
}

impl<S: Clone + Default> CacheEntries<S> {
    pub(super) fn new() -> Self {
        Self { changed: HashMap::new(), saving: Arc::default(), saved: LinkedHashMap::new() }
    }

    pub(super) fn get(&self, id: &AggregateId) -> Option<&CachedAggregate<S>> {
        self.changed.get(id).or_else(|| self.saving.get(id)).or_else(|| self.saved.get(id))
    }

    pub(super) fn has(&self, id: &AggregateId) -> bool {
        self.get(id).is_some()
    }

    /// An aggregate that is about to change, or a new one.
    pub(super) fn change(&mut self, id: &AggregateId) -> &mut CachedAggregate<S> {
        self.changed.entry(id.clone()).or_insert_with(|| {
            let saving = || self.saving.get(id).cloned();
            self.saved.remove(id).or_else(saving).unwrap_or_default()
        })
    }

    /// Adds a loaded aggregate.
    pub(super) fn add(&mut self, id: AggregateId, cached: CachedAggregate<S>) {
        self.saved.insert(id, cached);
    }

    /// Marks a saved aggregate as the most recently used. Returns whether it is there.
    pub(super) fn touch(&mut self, id: &AggregateId) -> bool {
        self.saved.to_back(id).is_some()
    }

    /// Evicts the least recently used saved aggregate if there are more than `keep`.
    pub(super) fn evict(&mut self, keep: usize) -> Option<AggregateId> {
        if self.saved.len() > keep { self.saved.pop_front().map(|(id, _)| id) } else { None }
    }

    /// The number of aggregates in memory. Those that change while they are saved count twice.
    pub(super) fn len(&self) -> usize {
        self.unsaved() + self.saved.len()
    }

    /// How many of them cannot be evicted.
    pub(super) fn unsaved(&self) -> usize {
        self.changed.len() + self.saving.len()
    }

    /// How many have changed since the last save began.
    pub(super) fn changed(&self) -> usize {
        self.changed.len()
    }

    /// Begins a save of everything that has changed.
    pub(super) fn begin_save(&mut self) -> Arc<Aggregates<S>> {
        self.saving = Arc::new(std::mem::take(&mut self.changed));
        Arc::clone(&self.saving)
    }

    /// Ends a save. What is saved below offset `up_to` and has not changed since may be evicted; the rest waits for the
    /// next save.
    pub(super) fn end_save(&mut self, up_to: i64) {
        for (id, cached) in Arc::unwrap_or_clone(std::mem::take(&mut self.saving)) {
            if self.changed.contains_key(&id) {
                continue;
            }
            if cached.offset < up_to {
                self.saved.insert(id, cached);
            } else {
                self.changed.insert(id, cached);
            }
        }
    }
}
