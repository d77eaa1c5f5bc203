//! An aggregate as a row: its state as JSON, its commands in a compact binary form. Rows written by older code must
//! stay readable, unless the version of the state is increased.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use aggregate::{AggregateId, Version};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    cache::{CachedAggregate, CompletedCommand, StateSize},
    snapshots::SnapshotError,
};

#[derive(FromRow)]
pub(super) struct Row {
    aggregate_id: String,
    version: i64,
    log_offset: i64,
    state: String,
    commands: Vec<u8>,
}

/// Rows by column, as `unnest` takes them.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) aggregate_id: Vec<String>,
    pub(super) version: Vec<i64>,
    pub(super) log_offset: Vec<i64>,
    pub(super) state: Vec<String>,
    pub(super) commands: Vec<Vec<u8>>,
}

/// A command in binary form: 16 bytes of id, 8 of hash, and the rest in variable length.
#[derive(Serialize, Deserialize)]
struct Packed<'a> {
    command_id: [u8; 16],
    request_hash: [u8; 8],
    version: u64,
    offset: i64,
    #[serde(borrow)]
    event_types: Vec<&'a str>,
}

impl Row {
    pub(super) fn read<S: DeserializeOwned>(
        self,
    ) -> Result<(AggregateId, CachedAggregate<S>), SnapshotError> {
        let id = aggregate_id(&self.aggregate_id)?;
        let unreadable = |reason: String| SnapshotError::Unreadable { id: id.clone(), reason };
        let state = serde_json::from_str(&self.state).map_err(|error| unreadable(error.to_string()))?;
        let state_size = StateSize::default();
        state_size.measured(self.state.len());
        let packed: Vec<Packed<'_>> =
            postcard::from_bytes(&self.commands).map_err(|error| unreadable(error.to_string()))?;
        let cached = CachedAggregate {
            state,
            version: Version(self.version.cast_unsigned()),
            offset: self.log_offset,
            commands: packed.into_iter().map(Packed::unpack).collect(),
            state_size,
        };
        Ok((id, cached))
    }
}

/// An aggregate's id in a row.
pub(super) fn aggregate_id(text: &str) -> Result<AggregateId, SnapshotError> {
    AggregateId::try_from(text).map_err(|error| SnapshotError::Postgres(sqlx::Error::Decode(error.into())))
}

/// The state of an aggregate as JSON, whose length is noted.
pub(super) fn state<S: Serialize>(cached: &CachedAggregate<S>) -> Result<String, SnapshotError> {
    let json =
        serde_json::to_string(&cached.state).map_err(|error| SnapshotError::Unwritable(error.to_string()))?;
    cached.state_size.measured(json.len());
    Ok(json)
}

/// The commands of an aggregate in binary form.
pub(super) fn commands<S>(cached: &CachedAggregate<S>) -> Result<Vec<u8>, SnapshotError> {
    let packed: Vec<_> = cached.commands.iter().map(Packed::of).collect();
    postcard::to_allocvec(&packed).map_err(|error| SnapshotError::Unwritable(error.to_string()))
}

/// A command in binary form.
pub(super) fn pack(command: &CompletedCommand) -> Result<Vec<u8>, SnapshotError> {
    postcard::to_allocvec(&Packed::of(command)).map_err(|error| SnapshotError::Unwritable(error.to_string()))
}

/// Reads a command of this aggregate in binary form.
pub(super) fn unpack(id: &AggregateId, command: &[u8]) -> Result<CompletedCommand, SnapshotError> {
    let unreadable =
        |error: postcard::Error| SnapshotError::Unreadable { id: id.clone(), reason: error.to_string() };
    postcard::from_bytes(command).map(Packed::unpack).map_err(unreadable)
}

impl Columns {
    pub(super) fn push<S: Serialize>(
        &mut self,
        id: &AggregateId,
        cached: &CachedAggregate<S>,
    ) -> Result<(), SnapshotError> {
        self.state.push(state(cached)?);
        self.commands.push(commands(cached)?);
        self.aggregate_id.push(id.to_string());
        self.version.push(cached.version.0.cast_signed());
        self.log_offset.push(cached.offset);
        Ok(())
    }
}

impl<'a> Packed<'a> {
    fn of(done: &'a CompletedCommand) -> Self {
        Self {
            command_id: done.command_id.into_bytes(),
            request_hash: done.request_hash.to_le_bytes(),
            version: done.version.0,
            offset: done.offset,
            event_types: done.event_types.to_vec(),
        }
    }

    fn unpack(self) -> CompletedCommand {
        CompletedCommand {
            command_id: Uuid::from_bytes(self.command_id),
            request_hash: u64::from_le_bytes(self.request_hash),
            version: Version(self.version),
            offset: self.offset,
            event_types: self.event_types.into_iter().map(event_type).collect(),
        }
    }
}

/// Interns the name of an event for the lifetime of the program. There are only a few, so leaking them is harmless.
fn event_type(name: &str) -> &'static str {
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let names = names.get_or_insert_default();
    names.get(name).copied().unwrap_or_else(|| {
        let name: &'static str = Box::leak(name.into());
        names.insert(name);
        name
    })
}
