use event_log::{Codec, InvalidRecord, LogError, RawRecord, Recorded};
use sqlx::PgConnection;
use tracing::{info, warn};

use super::{ParkReason, Parking, PendingEvents, table};
use crate::projector::{
    checkpoint::Checkpoints,
    database::Database,
    target::Target,
    write::{Turn, begin, one},
};
use crate::{Projection, ProjectionError};

/// How to read a parked event again.
pub(crate) struct Reading<'r> {
    pub(crate) codec: &'r Codec,
    /// Reads a record as an event of its partition.
    pub(crate) record: &'r dyn Fn(&RawRecord) -> Result<Recorded, InvalidRecord>,
}

/// The first parked events of an aggregate, up to the first that cannot be read.
struct Attempt<E> {
    partition: i32,
    aggregate: String,
    /// The events to be applied.
    pending: Option<PendingEvents<E>>,
    /// Their offsets.
    offsets: Vec<i64>,
    /// The first event that cannot be read.
    stop: Option<(i64, ParkReason)>,
}

impl Parking {
    /// Carries out what operators have asked for in the claimed partitions: removes dropped events, and applies
    /// parked ones again, aggregate by aggregate and in order. Then reads what is still parked.
    ///
    /// No batch may be in flight.
    pub(crate) fn retry<P: Projection>(
        &mut self,
        database: &mut Database,
        projection: &P,
        claimed: &Checkpoints,
        reading: &Reading<'_>,
    ) -> Result<(), ProjectionError> {
        let partitions: Vec<_> = claimed.keys().copied().collect();
        loop {
            database.run(async |connection, target| clear(connection, target, claimed).await)?;
            self.dropped = database
                .run(async |connection, target| Ok(table::dropped(connection, target, &partitions).await?))?;
            let rows = database.run(async |connection, target| {
                Ok(table::to_retry(connection, target, &partitions).await?)
            })?;
            let Some(attempt) = self.read::<P>(rows, reading)? else {
                break;
            };
            let here = |partition: &i32| *partition == attempt.partition;
            let claimed = claimed.iter().filter(|(partition, _)| here(partition));
            let claimed = claimed.map(|(partition, checkpoint)| (*partition, *checkpoint)).collect();
            database.run(async |connection, target| {
                settle(connection, target, projection, &claimed, attempt).await
            })?;
        }
        let rows = database.run(async |connection, target| {
            Ok(table::parked_index(connection, target, &partitions).await?)
        })?;
        table::enter(&mut self.parked_index, &partitions, rows);
        Ok(())
    }

    fn read<P: Projection>(
        &self,
        rows: Vec<table::Row>,
        reading: &Reading<'_>,
    ) -> Result<Option<Attempt<P::Event>>, ProjectionError> {
        let mut attempt: Option<Attempt<P::Event>> = None;
        for row in rows {
            let (partition, aggregate) = (row.partition, row.aggregate.clone());
            let attempt = attempt.get_or_insert_with(|| Attempt::new(partition, aggregate));
            let record = row.into_record(&self.topic);
            let offset = record.position.offset;
            if let Some(park_reason) = self.include::<P>(attempt, &record, reading)? {
                attempt.stop = Some((offset, park_reason));
                break;
            }
            attempt.offsets.push(offset);
        }
        Ok(attempt)
    }

    fn include<P: Projection>(
        &self,
        attempt: &mut Attempt<P::Event>,
        record: &RawRecord,
        reading: &Reading<'_>,
    ) -> Result<Option<ParkReason>, ProjectionError> {
        let recorded = match (reading.record)(record) {
            Ok(recorded) => recorded,
            Err(reason) => return Ok(Some(ParkReason::record(&reason, None))),
        };
        if !P::wants(recorded.envelope.short_type()) {
            return Ok(None);
        }
        let before = self.dropped.before(&recorded);
        let event = match reading.codec.decode(&recorded) {
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

/// Removes dropped events, behind the fence.
async fn clear(
    connection: &mut PgConnection,
    target: &Target,
    claimed: &Checkpoints,
) -> Result<(), ProjectionError> {
    let partitions: Vec<_> = claimed.keys().copied().collect();
    if !table::has_dropped(connection, target, &partitions).await? {
        return Ok(());
    }
    let mut transaction = begin(connection, target, Turn::Shared, claimed, claimed).await?;
    table::clear(&mut transaction, target, &partitions).await?;
    Ok(transaction.commit().await?)
}

/// Applies what can be applied, and leaves the rest parked for the reason there is now.
async fn settle<P: Projection>(
    connection: &mut PgConnection,
    target: &Target,
    projection: &P,
    claimed: &Checkpoints,
    attempt: Attempt<P::Event>,
) -> Result<(), ProjectionError> {
    let Attempt { partition, aggregate, pending, mut offsets, mut stop } = attempt;
    let mut transaction = begin(connection, target, Turn::Alone, claimed, claimed).await?;
    if let Some(pending) = &pending
        && let Some((index, park_reason)) = one(&mut transaction, projection, pending).await?
    {
        let offset = pending.offset(index);
        offsets.retain(|applied| *applied < offset);
        stop = Some((offset, park_reason));
    }
    if !table::release(&mut transaction, target, partition, &offsets).await? {
        // An operator has dropped one of them meanwhile: try again without it.
        return Ok(transaction.rollback().await?);
    }
    if let Some((offset, park_reason)) = &stop {
        let place = (aggregate.as_str(), partition, *offset);
        table::stand_still(&mut transaction, target, place, park_reason).await?;
    }
    transaction.commit().await?;
    log(target, partition, &aggregate, offsets.len(), stop);
    Ok(())
}

fn log(target: &Target, partition: i32, aggregate: &str, events: usize, stop: Option<(i64, ParkReason)>) {
    let Target { projection, generation, topic, .. } = target;
    info!(projection, generation, partition, aggregate.id = aggregate, "{events} parked events are applied");
    if let Some((offset, park_reason)) = stop {
        let cause = park_reason.cause.as_str();
        warn!(
            projection,
            generation,
            aggregate.id = aggregate,
            cause,
            "event at {topic}/{partition}@{offset} stays parked ({cause})"
        );
    }
}
