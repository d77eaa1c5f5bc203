use std::collections::BTreeMap;

use metrics::gauge;
use time::OffsetDateTime;

/// How far the read model is behind the log, in each partition that this projector owns.
pub(crate) struct Lag {
    projection: &'static str,
    generation: i32,
    partitions: BTreeMap<i32, Progress>,
    /// When reading or writing was interrupted; `None` while both are possible.
    interrupted: Option<OffsetDateTime>,
}

struct Progress {
    next_offset: i64,
    /// Every event decided before this is applied.
    complete_until: OffsetDateTime,
    caught_up: bool,
}

impl Lag {
    pub(crate) const fn new(projection: &'static str, generation: i32) -> Self {
        Self { projection, generation, partitions: BTreeMap::new(), interrupted: None }
    }

    pub(crate) fn start(&mut self, partition: i32, next_offset: i64) {
        self.interrupted = None;
        let complete_until = OffsetDateTime::now_utc();
        self.partitions.insert(partition, Progress { next_offset, complete_until, caught_up: false });
    }

    pub(crate) fn applied(&mut self, partition: i32, next_offset: i64, last: Option<OffsetDateTime>) {
        if let Some(progress) = self.partitions.get_mut(&partition) {
            progress.next_offset = next_offset;
            progress.complete_until = last.unwrap_or(progress.complete_until);
        }
    }

    pub(crate) fn behind(&mut self, partition: i32) {
        if let Some(progress) = self.partitions.get_mut(&partition) {
            progress.caught_up = false;
        }
    }

    pub(crate) fn caught_up(&mut self, partition: i32) {
        if let Some(progress) = self.partitions.get_mut(&partition) {
            progress.caught_up = true;
        }
    }

    pub(crate) fn interrupted(&mut self) {
        self.interrupted.get_or_insert_with(OffsetDateTime::now_utc);
    }

    pub(crate) fn resumed(&mut self) {
        self.interrupted = None;
    }

    /// Removes partitions that this projector no longer owns, and resets their gauges.
    pub(crate) fn remove_partitions(&mut self, partitions: &[i32]) {
        for partition in partitions {
            if self.partitions.remove(partition).is_some() {
                self.set(*partition, Some(0), 0.0);
            }
        }
    }

    /// Sets the gauges. Until the end of a partition is reached, transaction markers count as events, because they also
    /// have offsets.
    pub(crate) fn report(&self, end: impl Fn(i32) -> Option<i64>) {
        let now = OffsetDateTime::now_utc();
        let interrupted = self.interrupted.map_or(0.0, |since| (now - since).as_seconds_f64());
        for (partition, progress) in &self.partitions {
            let (events, seconds) = if progress.caught_up {
                (Some(0), 0.0)
            } else {
                let events = end(*partition).map(|end| (end - progress.next_offset).max(0));
                (events, (now - progress.complete_until).as_seconds_f64())
            };
            self.set(*partition, events, seconds.max(interrupted));
        }
    }

    fn set(&self, partition: i32, events: Option<i64>, seconds: f64) {
        let labels = [
            ("projection", self.projection.to_owned()),
            ("generation", self.generation.to_string()),
            ("partition", partition.to_string()),
        ];
        gauge!("projection_lag_seconds", &labels).set(seconds);
        if let Some(events) = events {
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
            gauge!("projection_lag_events", &labels).set(events as f64);
        }
    }
}
