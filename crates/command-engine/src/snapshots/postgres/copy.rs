//! Rows of `snapshots` in the binary format of `COPY`.
//! <https://www.postgresql.org/docs/current/sql-copy.html>

use aggregate::AggregateId;
use serde::Serialize;
use sqlx::PgConnection;

use super::row;
use crate::{cache::CachedAggregate, snapshots::SnapshotError};

const STATEMENT: &str =
    "COPY snapshots (partition, state_version, aggregate_id, version, log_offset, state, commands)
     FROM STDIN WITH (FORMAT binary)";
const COLUMNS: i16 = 7;
/// The signature, no flags, and no extension of the header.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// The number of columns that no row has.
const TRAILER: i16 = -1;

/// Rows of one generation in one partition.
pub(super) struct CopyRows {
    partition: i32,
    state_version: i32,
    bytes: Vec<u8>,
}

impl CopyRows {
    pub(super) fn new(partition: i32, state_version: i32) -> Self {
        Self { partition, state_version, bytes: HEADER.to_vec() }
    }

    pub(super) fn push<S: Serialize>(
        &mut self,
        id: &AggregateId,
        cached: &CachedAggregate<S>,
    ) -> Result<(), SnapshotError> {
        let (state, commands) = (row::state(cached)?, row::commands(cached)?);
        self.bytes.extend(COLUMNS.to_be_bytes());
        self.column(&self.partition.to_be_bytes())?;
        self.column(&self.state_version.to_be_bytes())?;
        self.column(id.as_str().as_bytes())?;
        self.column(&cached.version.0.to_be_bytes())?;
        self.column(&cached.offset.to_be_bytes())?;
        self.column(state.as_bytes())?;
        self.column(&commands)
    }

    /// A value, after its length.
    fn column(&mut self, value: &[u8]) -> Result<(), SnapshotError> {
        let length = i32::try_from(value.len())
            .map_err(|_| SnapshotError::Unwritable("it is larger than 2 GB".to_owned()))?;
        self.bytes.extend(length.to_be_bytes());
        self.bytes.extend(value);
        Ok(())
    }

    /// Sends the rows to Postgres, which inserts all or none.
    pub(super) async fn send(mut self, connection: &mut PgConnection) -> sqlx::Result<()> {
        self.bytes.extend(TRAILER.to_be_bytes());
        let mut copy = connection.copy_in_raw(STATEMENT).await?;
        copy.send(self.bytes).await?;
        copy.finish().await.map(drop)
    }
}
