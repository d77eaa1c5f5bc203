//! The SQL statements. Timeouts and connections are the caller's concern.

use aggregate::AggregateId;
use event_log::Continuity;
use futures_util::TryStreamExt;
use serde::Serialize;
use sqlx::{Connection, FromRow, PgConnection, Row as _, postgres::PgRow};

use super::{
    copy::CopyRows,
    evicted::Evicted,
    row::{Columns, Row},
};
use crate::{
    cache::{CachedAggregate, IdFilter},
    snapshots::{Checkpoint, Save, Saved, SnapshotError},
};

/// How many rows one statement upserts.
const CHUNK: usize = 1_000;
/// Ids and checkpoint are read from one snapshot of the database.
const BEGIN_TO_READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// If Postgres crashes, rows and checkpoint are lost together and folded again from the log, so a save need not wait
/// for the disk.
const BEGIN_TO_SAVE: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// The snapshots of one generation of the state, in one partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Generation {
    pub(super) partition: i32,
    pub(super) state_version: i32,
}

/// A row of `snapshot_checkpoint`.
#[derive(FromRow)]
struct CheckpointRow {
    next_offset: i64,
    sequence: i64,
    owner_epoch: i64,
    saved_by: i64,
    aggregates: i64,
}

impl Generation {
    pub(super) async fn open(self, connection: &mut PgConnection) -> Result<Checkpoint, SnapshotError> {
        let row = self.checkpoint_row(connection, "").await?;
        Ok(row.map(|row| row.checkpoint()).unwrap_or_default())
    }

    /// Inserts the ids of all snapshots, as of a checkpoint that is at least `saved`.
    pub(super) async fn read_ids(
        self,
        connection: &mut PgConnection,
        into: &mut IdFilter,
        saved: i64,
    ) -> Result<(), SnapshotError> {
        let mut transaction = connection.begin_with(BEGIN_TO_READ).await?;
        let checkpoint = self.checkpoint_row(&mut transaction, "").await?;
        if checkpoint.is_none_or(|row| row.next_offset < saved) {
            return Err(SnapshotError::Lost);
        }
        let mut ids =
            sqlx::query("SELECT aggregate_id FROM snapshots WHERE partition = $1 AND state_version = $2")
                .bind(self.partition)
                .bind(self.state_version)
                .fetch(&mut *transaction);
        while let Some(row) = ids.try_next().await? {
            into.insert(row.try_get(0)?);
        }
        Ok(())
    }

    /// Returns at least one row if there is a checkpoint; that row has no aggregate if none is found.
    pub(super) async fn load(
        self,
        connection: &mut PgConnection,
        ids: &[AggregateId],
        saved: i64,
    ) -> Result<Vec<Row>, SnapshotError> {
        let ids: Vec<_> = ids.iter().map(AggregateId::as_str).collect();
        let rows = sqlx::query(
            "SELECT checkpoint.next_offset, aggregate_id, version, log_offset, state, commands
               FROM snapshot_checkpoint AS checkpoint
               LEFT JOIN snapshots
                 ON snapshots.partition = $1 AND snapshots.state_version = $2 AND aggregate_id = ANY($3)
              WHERE checkpoint.partition = $1 AND checkpoint.state_version = $2",
        )
        .bind(self.partition)
        .bind(self.state_version)
        .bind(ids)
        .fetch_all(connection)
        .await?;
        let reached = rows.first().map_or(Ok(0), |row| row.try_get::<i64, _>("next_offset"))?;
        if reached < saved {
            return Err(SnapshotError::Lost);
        }
        let found = |row: &&PgRow| matches!(row.try_get::<Option<&str>, _>("aggregate_id"), Ok(Some(_)));
        Ok(rows.iter().filter(found).map(Row::from_row).collect::<Result<_, _>>()?)
    }

    /// Moves the checkpoint first: its row is the fence, and other savers wait for it.
    pub(super) async fn save<S: Serialize>(
        self,
        connection: &mut PgConnection,
        evicted: Evicted,
        save: Save<S>,
    ) -> Result<Saved, SnapshotError> {
        let mut transaction = connection.begin_with(BEGIN_TO_SAVE).await?;
        let CheckpointRow { next_offset: reached, saved_by, .. } = self.lock(&mut transaction).await?;
        if reached < save.from {
            return Err(SnapshotError::Lost);
        }
        if saved_by > save.epoch.cast_signed() {
            return Ok(Saved::Superseded(reached));
        }
        // Another instance has read further and saved everything that this save contains.
        if reached > save.to.next_offset {
            return Ok(Saved::UpTo(reached));
        }
        self.update_checkpoint(&mut transaction, &save).await?;
        self.save_rows(&mut transaction, &save).await?;
        let offsets = (save.evicted_from, save.to.next_offset);
        evicted.save(&mut transaction, &save.evicted, offsets).await?;
        transaction.commit().await?;
        Ok(Saved::UpTo(save.to.next_offset))
    }

    /// Copies the rows of aggregates that are new since the last save, which costs less, and upserts the others.
    async fn save_rows<S: Serialize>(
        self,
        connection: &mut PgConnection,
        save: &Save<S>,
    ) -> Result<(), SnapshotError> {
        let (new, mut others): (Vec<_>, Vec<_>) =
            save.changed.iter().partition(|(_, cached)| cached.is_new_since(save.from));
        if !self.copy(connection, &new).await? {
            others.extend(new);
        }
        for chunk in others.chunks(CHUNK) {
            let mut columns = Columns::default();
            for (id, cached) in chunk {
                columns.push(id, cached)?;
            }
            self.upsert(connection, columns).await?;
        }
        Ok(())
    }

    /// Inserts rows with `COPY`. Returns false if one of them is there already, because another instance has saved it, and
    /// none was inserted.
    async fn copy<S: Serialize>(
        self,
        connection: &mut PgConnection,
        rows: &[(&AggregateId, &CachedAggregate<S>)],
    ) -> Result<bool, SnapshotError> {
        if rows.is_empty() {
            return Ok(true);
        }
        let mut copy = CopyRows::new(self.partition, self.state_version);
        for (id, cached) in rows {
            copy.push(id, cached)?;
        }
        let mut savepoint = connection.begin().await?;
        match copy.send(&mut savepoint).await {
            Ok(()) => savepoint.commit().await?,
            Err(error) if is_unique_violation(&error) => {
                savepoint.rollback().await?;
                return Ok(false);
            }
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    /// Deletes older generations that have not been saved for a day.
    pub(super) async fn delete_abandoned(self, connection: &mut PgConnection) -> Result<(), SnapshotError> {
        let abandoned: Vec<i32> = sqlx::query_scalar(
            "SELECT state_version FROM snapshot_checkpoint
              WHERE partition = $1 AND state_version < $2 AND updated_at < now() - interval '1 day'",
        )
        .bind(self.partition)
        .bind(self.state_version)
        .fetch_all(&mut *connection)
        .await?;
        if abandoned.is_empty() { Ok(()) } else { self.delete(connection, &abandoned).await }
    }

    /// Locks the checkpoint's row until the transaction ends. The first save inserts it: otherwise two savers that both
    /// find no row would not wait for each other, and the older could win.
    async fn lock(self, connection: &mut PgConnection) -> Result<CheckpointRow, sqlx::Error> {
        if let Some(checkpoint_row) = self.checkpoint_row(&mut *connection, "FOR UPDATE").await? {
            return Ok(checkpoint_row);
        }
        sqlx::query(
            "INSERT INTO snapshot_checkpoint
                 (partition, state_version, next_offset, sequence, owner_epoch, saved_by, aggregates)
             VALUES ($1, $2, 0, 0, 0, 0, 0)
                 ON CONFLICT DO NOTHING",
        )
        .bind(self.partition)
        .bind(self.state_version)
        .execute(&mut *connection)
        .await?;
        self.checkpoint_row(connection, "FOR UPDATE").await?.ok_or(sqlx::Error::RowNotFound)
    }

    async fn checkpoint_row(
        self,
        connection: &mut PgConnection,
        lock: &'static str,
    ) -> Result<Option<CheckpointRow>, sqlx::Error> {
        sqlx::query_as(&format!(
            "SELECT next_offset, sequence, owner_epoch, saved_by, aggregates FROM snapshot_checkpoint
              WHERE partition = $1 AND state_version = $2 {lock}"
        ))
        .bind(self.partition)
        .bind(self.state_version)
        .fetch_optional(connection)
        .await
    }

    async fn update_checkpoint<S>(
        self,
        connection: &mut PgConnection,
        save: &Save<S>,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE snapshot_checkpoint
                SET next_offset = $3, sequence = $4, owner_epoch = $5, saved_by = $6, aggregates = $7,
                    updated_at = now()
              WHERE partition = $1 AND state_version = $2",
        )
        .bind(self.partition)
        .bind(self.state_version)
        .bind(save.to.next_offset)
        .bind(save.to.continuity.sequence.cast_signed())
        .bind(save.to.continuity.epoch.cast_signed())
        .bind(save.epoch.cast_signed())
        .bind(save.to.aggregates.cast_signed())
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn upsert(self, connection: &mut PgConnection, rows: Columns) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO snapshots (partition, state_version, aggregate_id, version, log_offset, state, commands)
             SELECT $1, $2, changed.*
               FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bytea[]) AS changed
                 ON CONFLICT (partition, state_version, aggregate_id) DO UPDATE
                SET version = excluded.version,
                    log_offset = excluded.log_offset,
                    state = excluded.state,
                    commands = excluded.commands",
        )
        .bind(self.partition)
        .bind(self.state_version)
        .bind(rows.aggregate_id)
        .bind(rows.version)
        .bind(rows.log_offset)
        .bind(rows.state)
        .bind(rows.commands)
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Deletes generations of this partition together with their checkpoints, which must come first.
    async fn delete(
        self,
        connection: &mut PgConnection,
        state_versions: &[i32],
    ) -> Result<(), SnapshotError> {
        let mut transaction = connection.begin().await?;
        for table in ["snapshot_checkpoint", "snapshots"] {
            sqlx::query(&format!("DELETE FROM {table} WHERE partition = $1 AND state_version = ANY($2)"))
                .bind(self.partition)
                .bind(state_versions)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}

fn is_unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

impl CheckpointRow {
    fn checkpoint(&self) -> Checkpoint {
        let continuity =
            Continuity { sequence: self.sequence.cast_unsigned(), epoch: self.owner_epoch.cast_unsigned() };
        Checkpoint { next_offset: self.next_offset, continuity, aggregates: self.aggregates.cast_unsigned() }
    }
}
