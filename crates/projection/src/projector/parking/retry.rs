use std::sync::Arc;

use event_log::{Codec, InvalidRecord, LogError, RawRecord, Recorded};
use sqlx::PgConnection;
use tracing::{info, warn};

use super::{ParkReason, Parking, PendingEvents, table};
use crate::projector::{
    checkpoint::{Advance, Checkpoints},
    database::Database,
    target::Target,
    write::{WriteLock, apply_in_order, begin},
};
use crate::{Projection, ProjectionError};

/// Decodes the stored records of parked events.
pub(crate) struct RecordDecoder<'r> {
    pub(crate) codec: &'r Codec,
    /// Parses a record as an event of its partition.
    pub(crate) record: &'r dyn Fn(&RawRecord) -> Result<Recorded, InvalidRecord>,
}

/// The first parked events of an aggregate, up to the first one that cannot be decoded.
struct Attempt<E> {
    partition: i32,
    aggregate: String,
    /// The events to apply.
    pending: Option<PendingEvents<E>>,
    /// The offsets of the events to apply or skip.
    offsets: Vec<i64>,
    /// The offset of the first event that cannot be decoded, and the reason.
    stop: Option<(i64, ParkReason)>,
}

impl Parking {
    /// Executes the requests of operators in the claimed partitions: removes dropped events, and retries parked ones,
    /// aggregate by aggregate and in order. Then reads what is still parked.
    ///
    /// No batch may be in flight.
    pub(crate) fn retry<P: Projection>(
        &mut self,
        database: &mut Database,
        projection: &P,
        claimed: &Checkpoints,
        decoder: &RecordDecoder<'_>,
    ) -> Result<(), ProjectionError> {
        let partitions: Vec<_> = claimed.keys().copied().collect();
        loop {
            database.run(async |connection, target| remove_dropped(connection, target, claimed).await)?;
            self.dropped = database
                .run(async |connection, target| Ok(table::dropped(connection, target, &partitions).await?))?;
            let rows = database.run(async |connection, target| {
                Ok(table::to_retry(connection, target, &partitions).await?)
            })?;
            let Some(attempt) = self.read::<P>(rows, decoder)? else {
                break;
            };
            let own = |partition: &i32| *partition == attempt.partition;
            let claimed = claimed.iter().filter(|(partition, _)| own(partition));
            let claimed = claimed.map(|(partition, checkpoint)| (*partition, *checkpoint)).collect();
            database.run(async |connection, target| {
                apply(connection, target, projection, &claimed, attempt).await
            })?;
        }
        let rows = database.run(async |connection, target| {
            Ok(table::parked_index(connection, target, &partitions).await?)
        })?;
        table::fill_index(&mut self.parked_index, &partitions, rows);
        Ok(())
    }

    fn read<P: Projection>(
        &self,
        rows: Vec<table::Row>,
        decoder: &RecordDecoder<'_>,
    ) -> Result<Option<Attempt<P::Event>>, ProjectionError> {
        let mut attempt: Option<Attempt<P::Event>> = None;
        for row in rows {
            let (partition, aggregate) = (row.partition, row.aggregate.clone());
            let attempt = attempt.get_or_insert_with(|| Attempt::new(partition, aggregate));
            let record = row.into_record(&self.topic);
            let offset = record.position.offset;
            if let Some(park_reason) = self.include::<P>(attempt, &record, decoder)? {
                attempt.stop = Some((offset, park_reason));
                break;
            }
            attempt.offsets.push(offset);
        }
        Ok(attempt)
    }

    /// Adds an event to an attempt; returns the reason if the event cannot be decoded or does not follow the one before
    /// it.
    fn include<P: Projection>(
        &self,
        attempt: &mut Attempt<P::Event>,
        record: &RawRecord,
        decoder: &RecordDecoder<'_>,
    ) -> Result<Option<ParkReason>, ProjectionError> {
        let recorded = match (decoder.record)(record) {
            Ok(recorded) => Arc::new(recorded),
            Err(reason) => return Ok(Some(ParkReason::record(&reason, None))),
        };
        if !P::wants(recorded.envelope.short_type()) {
            return Ok(None);
        }
        let before = self.dropped.before(&recorded);
        let event = match decoder.codec.decode(&recorded) {
            Ok(event) => event,
            Err(error) => {
                let park_reason = ParkReason::payload(error, before);
                return Ok(Some(park_reason.map_err(|error| LogError::unreadable(&recorded, error))?));
            }
        };
        match &mut attempt.pending {
            None => attempt.pending = Some(PendingEvents::begin(recorded, event, before)),
            Some(pending) => match pending.check(&recorded, before) {
                Ok(()) => pending.push(recorded, event, before),
                Err(discontinuity) => return Ok(Some(ParkReason::version(&discontinuity, before))),
            },
        }
        Ok(None)
    }
}

impl<E> Attempt<E> {
    const fn new(partition: i32, aggregate: String) -> Self {
        Self { partition, aggregate, pending: None, offsets: Vec::new(), stop: None }
    }
}

/// Removes dropped events from the parked ones, in a transaction that checks the fence.
async fn remove_dropped(
    connection: &mut PgConnection,
    target: &Target,
    claimed: &Checkpoints,
) -> Result<(), ProjectionError> {
    let partitions: Vec<_> = claimed.keys().copied().collect();
    if !table::has_dropped(connection, target, &partitions).await? {
        return Ok(());
    }
    let mut transaction =
        begin(connection, WriteLock::Shared, Advance { target, from: claimed, to: claimed }).await?;
    table::remove_dropped(&mut transaction, target, &partitions).await?;
    Ok(transaction.commit().await?)
}

/// Applies as many events as possible. The others stay parked, with the current reason.
async fn apply<P: Projection>(
    connection: &mut PgConnection,
    target: &Target,
    projection: &P,
    claimed: &Checkpoints,
    attempt: Attempt<P::Event>,
) -> Result<(), ProjectionError> {
    let Attempt { partition, aggregate, pending, mut offsets, mut stop } = attempt;
    let mut transaction =
        begin(connection, WriteLock::Exclusive, Advance { target, from: claimed, to: claimed }).await?;
    if let Some(pending) = &pending
        && let Some((index, park_reason)) = apply_in_order(&mut transaction, projection, pending).await?
    {
        let offset = pending.offset(index);
        offsets.retain(|applied| *applied < offset);
        stop = Some((offset, park_reason));
    }
    if !table::unpark(&mut transaction, target, partition, &offsets).await? {
        // An operator dropped one of the events in the meantime. The next attempt is without it.
        return Ok(transaction.rollback().await?);
    }
    if let Some((offset, park_reason)) = &stop {
        let event = (aggregate.as_str(), partition, *offset);
        table::keep_parked(&mut transaction, target, event, park_reason).await?;
    }
    transaction.commit().await?;
    log(target, partition, &aggregate, offsets.len(), stop);
    Ok(())
}

fn log(target: &Target, partition: i32, aggregate: &str, events: usize, stop: Option<(i64, ParkReason)>) {
    let Target { projection, generation, topic, .. } = target;
    info!(projection, generation, partition, aggregate.id = aggregate, "{events} parked events were applied");
    if let Some((offset, park_reason)) = stop {
        let cause = park_reason.cause.as_str();
        warn!(
            projection,
            generation,
            aggregate.id = aggregate,
            cause,
            "event at {topic}/{partition}@{offset} remains parked ({cause})"
        );
    }
}
