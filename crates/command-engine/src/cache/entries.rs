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
    /// The memory of each set, in bytes; that of `saving` as it was when the save began.
    bytes: SetBytes,
}

#[derive(Default)]
struct SetBytes {
    changed: usize,
    saving: usize,
    saved: usize,
}

impl<S: Clone + Default> CacheEntries<S> {
    pub(super) fn new() -> Self {
        Self {
            changed: HashMap::new(),
            saving: Arc::default(),
            saved: LinkedHashMap::new(),
            bytes: SetBytes::default(),
        }
    }

    pub(super) fn get(&self, id: &AggregateId) -> Option<&CachedAggregate<S>> {
        self.changed.get(id).or_else(|| self.saving.get(id)).or_else(|| self.saved.get(id))
    }

    pub(super) fn has(&self, id: &AggregateId) -> bool {
        self.get(id).is_some()
    }

    /// Changes an aggregate, or a new one.
    pub(super) fn change<T>(
        &mut self,
        id: &AggregateId,
        change: impl FnOnce(&mut CachedAggregate<S>) -> T,
    ) -> T {
        let cached = self.changed.entry(id.clone()).or_insert_with(|| {
            let saved = self.saved.remove(id).inspect(|saved| self.bytes.saved -= saved.bytes(id));
            let saving = || self.saving.get(id).cloned();
            let cached = saved.or_else(saving).unwrap_or_default();
            self.bytes.changed += cached.bytes(id);
            cached
        });
        self.bytes.changed -= cached.bytes(id);
        let changed = change(cached);
        self.bytes.changed += cached.bytes(id);
        changed
    }

    /// Adds a loaded aggregate, which is not there.
    pub(super) fn add(&mut self, id: AggregateId, cached: CachedAggregate<S>) {
        self.bytes.saved += cached.bytes(&id);
        self.saved.insert(id, cached);
    }

    /// Marks a saved aggregate as the most recently used. Returns whether it is there.
    pub(super) fn touch(&mut self, id: &AggregateId) -> bool {
        self.saved.to_back(id).is_some()
    }

    /// Evicts the least recently used saved aggregate if there are more than `keep`.
    pub(super) fn evict(&mut self, keep: usize) -> Option<AggregateId> {
        if self.saved.len() <= keep {
            return None;
        }
        let (id, cached) = self.saved.pop_front()?;
        self.bytes.saved -= cached.bytes(&id);
        Some(id)
    }

    /// The number of aggregates in memory. Those that change while they are saved count twice.
    pub(super) fn len(&self) -> usize {
        self.unsaved() + self.saved.len()
    }

    /// The memory that they take, in bytes.
    pub(super) const fn bytes(&self) -> usize {
        self.unsaved_bytes() + self.bytes.saved
    }

    /// The memory of those that cannot be evicted, in bytes.
    pub(super) const fn unsaved_bytes(&self) -> usize {
        self.bytes.changed + self.bytes.saving
    }

    /// The memory of those that have changed since the last save began, in bytes.
    pub(super) const fn changed_bytes(&self) -> usize {
        self.bytes.changed
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
        self.bytes.saving = std::mem::take(&mut self.bytes.changed);
        Arc::clone(&self.saving)
    }

    /// Ends a save. What is saved below offset `up_to` and has not changed since may be evicted; the rest waits for the
    /// next save.
    pub(super) fn end_save(&mut self, up_to: i64) {
        self.bytes.saving = 0;
        for (id, cached) in Arc::unwrap_or_clone(std::mem::take(&mut self.saving)) {
            if self.changed.contains_key(&id) {
                continue;
            }
            if cached.offset < up_to {
                self.add(id, cached);
            } else {
                self.bytes.changed += cached.bytes(&id);
                self.changed.insert(id, cached);
            }
        }
    }
}
