//! The SQL statements for evicted commands. Timeouts and connections are the caller's concern.

use std::{collections::HashMap, time::Duration};

use sqlx::{FromRow, PgConnection};
use time::OffsetDateTime;

use super::row;
use crate::{
    cache::{CommandKey, CompletedCommand, EvictedCommands},
    snapshots::SnapshotError,
};

/// How many rows one statement writes.
const CHUNK: usize = 1_000;
/// How many rows one statement deletes.
const DELETE_CHUNK: i64 = 1_000;

/// The evicted commands of a partition.
#[derive(Debug, Clone, Copy)]
pub(super) struct Evicted {
    pub(super) partition: i32,
    /// How long they are kept.
    pub(super) retention: Duration,
}

/// A checkpoint, and a command if there is one.
#[derive(FromRow)]
struct FoundRow {
    next_offset: i64,
    aggregate_id: Option<String>,
    command: Option<Vec<u8>>,
}

impl Evicted {
    /// Returns the checkpoint, which is at least that of the snapshots. Where it was not, its commands were evicted before
    /// there was this table, or by an instance of an earlier release, and were not saved; returns that too.
    pub(super) async fn open(
        self,
        connection: &mut PgConnection,
        snapshots: i64,
    ) -> Result<(i64, bool), SnapshotError> {
        let moved = sqlx::query(
            "INSERT INTO evicted_commands_checkpoint AS checkpoint (partition, next_offset) VALUES ($1, $2)
                 ON CONFLICT (partition) DO UPDATE SET next_offset = excluded.next_offset
              WHERE checkpoint.next_offset < excluded.next_offset",
        )
        .bind(self.partition)
        .bind(snapshots)
        .execute(&mut *connection)
        .await?
        .rows_affected();
        let next_offset =
            sqlx::query_scalar("SELECT next_offset FROM evicted_commands_checkpoint WHERE partition = $1")
                .bind(self.partition)
                .fetch_one(connection)
                .await?;
        Ok((next_offset, moved > 0 && snapshots > 0))
    }

    /// Moves the checkpoint and saves the commands, as part of a transaction.
    pub(super) async fn save(
        self,
        connection: &mut PgConnection,
        evicted: &EvictedCommands,
        (from, to): (i64, i64),
    ) -> Result<(), SnapshotError> {
        let moved = sqlx::query(
            "UPDATE evicted_commands_checkpoint SET next_offset = greatest(next_offset, $3)
              WHERE partition = $1 AND next_offset >= $2",
        )
        .bind(self.partition)
        .bind(from)
        .bind(to)
        .execute(&mut *connection)
        .await?;
        if moved.rows_affected() == 0 {
            return Err(SnapshotError::Lost);
        }
        let kept_since = OffsetDateTime::now_utc() - self.retention;
        let kept: Vec<_> = evicted.iter().filter(|(_, evicted)| evicted.time >= kept_since).collect();
        for chunk in kept.chunks(CHUNK) {
            let ids: Vec<_> = chunk.iter().map(|((id, _), _)| id.as_str()).collect();
            let command_ids: Vec<_> = chunk.iter().map(|((_, command_id), _)| *command_id).collect();
            let commands: Result<Vec<_>, _> =
                chunk.iter().map(|(_, evicted)| row::pack(&evicted.completed)).collect();
            let times: Vec<_> = chunk.iter().map(|(_, evicted)| evicted.time).collect();
            sqlx::query(
                "INSERT INTO evicted_commands (partition, aggregate_id, command_id, command, evicted_at)
                 SELECT $1, evicted.*
                   FROM unnest($2::text[], $3::uuid[], $4::bytea[], $5::timestamptz[]) AS evicted
                     ON CONFLICT DO NOTHING",
            )
            .bind(self.partition)
            .bind(ids)
            .bind(command_ids)
            .bind(commands?)
            .bind(times)
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }

    /// Returns at least one row if there is a checkpoint, so that one statement shows both as of the same time.
    pub(super) async fn find(
        self,
        connection: &mut PgConnection,
        keys: &[CommandKey],
        saved: i64,
    ) -> Result<HashMap<CommandKey, CompletedCommand>, SnapshotError> {
        let ids: Vec<_> = keys.iter().map(|(id, _)| id.as_str()).collect();
        let command_ids: Vec<_> = keys.iter().map(|(_, command_id)| *command_id).collect();
        let rows: Vec<FoundRow> = sqlx::query_as(
            "SELECT checkpoint.next_offset, found.aggregate_id, found.command
               FROM evicted_commands_checkpoint AS checkpoint
               LEFT JOIN (SELECT evicted.aggregate_id, evicted.command
                            FROM unnest($2::text[], $3::uuid[]) AS wanted (aggregate_id, command_id)
                            JOIN evicted_commands AS evicted
                              ON evicted.partition = $1 AND evicted.aggregate_id = wanted.aggregate_id
                             AND evicted.command_id = wanted.command_id) AS found
                 ON true
              WHERE checkpoint.partition = $1",
        )
        .bind(self.partition)
        .bind(ids)
        .bind(command_ids)
        .fetch_all(connection)
        .await?;
        if rows.first().is_none_or(|row| row.next_offset < saved) {
            return Err(SnapshotError::Lost);
        }
        let found = rows.into_iter().filter_map(|row| row.aggregate_id.zip(row.command));
        found
            .map(|(id, command)| {
                let id = row::aggregate_id(&id)?;
                let completed = row::unpack(&id, &command)?;
                Ok(((id, completed.command_id), completed))
            })
            .collect()
    }

    /// Deletes some of the commands that are no longer kept. Returns whether there may be more.
    pub(super) async fn delete_old(self, connection: &mut PgConnection) -> Result<bool, SnapshotError> {
        let kept_since = OffsetDateTime::now_utc() - self.retention;
        let deleted = sqlx::query(
            "DELETE FROM evicted_commands
              WHERE ctid = ANY (ARRAY (SELECT ctid FROM evicted_commands
                                        WHERE partition = $1 AND evicted_at < $2 LIMIT $3))",
        )
        .bind(self.partition)
        .bind(kept_since)
        .bind(DELETE_CHUNK)
        .execute(connection)
        .await?;
        Ok(deleted.rows_affected() == DELETE_CHUNK.unsigned_abs())
    }
}
