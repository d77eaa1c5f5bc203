use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, Instant},
};

use apache_avro::{Schema, reader::datum::GenericDatumReader};

use super::CodecError;
use crate::{Registry, schema_file::full_name};

/// How long the registry is not asked again for an id that it does not know.
const UNKNOWN_ID_PAUSE: Duration = Duration::from_secs(1);
/// How many unknown ids are remembered.
const MAX_UNKNOWN_IDS: usize = 1_000;

/// Reads payloads that were written with one schema.
#[derive(Clone, Copy)]
pub(super) struct Reader {
    pub(super) full_name: &'static str,
    pub(super) datum: &'static GenericDatumReader<'static>,
}

impl Reader {
    pub(super) fn of(schema: &'static Schema) -> Result<Self, CodecError> {
        let datum = GenericDatumReader::builder(schema).build().map_err(Box::new)?;
        Ok(Self { full_name: full_name(schema)?.leak(), datum: Box::leak(Box::new(datum)) })
    }
}

/// The readers by the ids of their schemas in the registry.
#[derive(Default)]
pub(super) struct Readers {
    loaded: RwLock<HashMap<u32, Reader>>,
    /// The ids that the registry did not know, and when it was asked.
    unknown: Mutex<HashMap<u32, Instant>>,
    /// The ids that are being fetched in the background.
    fetching: Mutex<HashSet<u32>>,
}

impl Readers {
    pub(super) fn insert(&self, id: u32, reader: Reader) {
        self.loaded.write().unwrap_or_else(PoisonError::into_inner).insert(id, reader);
    }

    /// The reader with this id, if it is loaded. Fails if the registry has just said that there is none.
    pub(super) fn get(&self, id: u32) -> Result<Option<Reader>, CodecError> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner).get(&id).copied();
        let is_unknown = || lock(&self.unknown).get(&id).is_some_and(|at| at.elapsed() < UNKNOWN_ID_PAUSE);
        if loaded.is_none() && is_unknown() { Err(CodecError::UnknownSchema(id)) } else { Ok(loaded) }
    }

    /// Asks the registry for a schema. Nothing is locked meanwhile: whoever reads other schemas must not wait for a
    /// registry that is slow.
    pub(super) async fn fetch(&self, registry: &Registry, id: u32) -> Result<Reader, CodecError> {
        let schema = match registry.schema(id).await {
            Err(error) if error.is_unknown() => {
                let mut unknown = lock(&self.unknown);
                if unknown.len() >= MAX_UNKNOWN_IDS {
                    unknown.clear();
                }
                unknown.insert(id, Instant::now());
                return Err(CodecError::UnknownSchema(id));
            }
            answered => answered?,
        };
        let reader = Reader::of(Box::leak(Box::new(schema)))?;
        self.insert(id, reader);
        Ok(reader)
    }

    /// Asks the registry for a schema, unless that is already being done. An error will show when it is asked for again.
    pub(super) async fn fetch_once(self: Arc<Self>, registry: Registry, id: u32) {
        if lock(&self.fetching).insert(id) {
            drop(self.fetch(&registry, id).await);
            lock(&self.fetching).remove(&id);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
