//! The aggregates that are in memory, in three places: changed since the last save began, in the save that is under
//! way, and saved. Only saved ones may be let go.
//!
//! A save takes all that is changed at once, without a copy; what changes meanwhile is copied when it does.

use std::{collections::HashMap, sync::Arc};

use aggregate::AggregateId;
use hashlink::LinkedHashMap;

use super::CachedAggregate;
use crate::snapshots::Aggregates;

pub(super) struct CacheEntries<S> {
    changed: Aggregates<S>,
    saving: Arc<Aggregates<S>>,
    /// From the least to the most recently used.
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

    /// An aggregate that is about to change; a new one if there is none.
    pub(super) fn change(&mut self, id: &AggregateId) -> &mut CachedAggregate<S> {
        self.changed.entry(id.clone()).or_insert_with(|| {
            let saving = || self.saving.get(id).cloned();
            self.saved.remove(id).or_else(saving).unwrap_or_default()
        })
    }

    /// Takes in what was loaded.
    pub(super) fn add(&mut self, id: AggregateId, cached: CachedAggregate<S>) {
        self.saved.insert(id, cached);
    }

    /// Marks a saved aggregate as the most recently used; whether it is one.
    pub(super) fn touch(&mut self, id: &AggregateId) -> bool {
        self.saved.to_back(id).is_some()
    }

    /// Lets the least recently used of the saved ones go, if there are more of them than `keep`.
    pub(super) fn let_go(&mut self, keep: usize) -> Option<AggregateId> {
        if self.saved.len() > keep { self.saved.pop_front().map(|(id, _)| id) } else { None }
    }

    /// How many aggregates are in memory. Those that have changed while they are saved are there twice.
    pub(super) fn len(&self) -> usize {
        self.unsaved() + self.saved.len()
    }

    /// How many of them cannot be let go.
    pub(super) fn unsaved(&self) -> usize {
        self.changed.len() + self.saving.len()
    }

    /// How many have changed since the last save began.
    pub(super) fn changed(&self) -> usize {
        self.changed.len()
    }

    /// Begins a save of all that is changed.
    pub(super) fn begin_save(&mut self) -> Arc<Aggregates<S>> {
        self.saving = Arc::new(std::mem::take(&mut self.changed));
        Arc::clone(&self.saving)
    }

    /// The save has ended. What is saved up to an offset and has not changed since may be let go, the rest waits for
    /// the next save.
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
