use std::collections::BTreeMap;

use super::{ReadHistory, Step};

/// Every aggregate as folded from the log, by id.
pub(super) struct Timelines<'h>(BTreeMap<&'h str, Timeline<'h>>);

/// The history of one aggregate.
#[derive(Default)]
pub(super) struct Timeline<'h> {
    steps: Vec<&'h Step>,
    /// The position of the first event that must be parked.
    unfit: Option<(i32, i64)>,
}

impl<'h> Timelines<'h> {
    pub(super) fn of(history: &'h ReadHistory) -> Self {
        let mut timelines = BTreeMap::<&str, Timeline<'_>>::new();
        for step in &history.steps {
            timelines.entry(&step.aggregate).or_default().steps.push(step);
        }
        for record in &history.unfit {
            let timeline = timelines.entry(&record.aggregate).or_default();
            timeline.unfit.get_or_insert((record.partition, record.offset));
        }
        for timeline in timelines.values_mut() {
            timeline.steps.sort_by_key(|step| step.offset);
        }
        Self(timelines)
    }

    pub(super) fn get(&self, aggregate: &str) -> Option<&Timeline<'h>> {
        self.0.get(aggregate)
    }

    /// The last step of every aggregate that has one.
    pub(super) fn ends(&self) -> impl Iterator<Item = (&'h str, &'h Step)> {
        self.0.iter().filter_map(|(aggregate, timeline)| Some((*aggregate, *timeline.steps.last()?)))
    }
}

impl<'h> Timeline<'h> {
    pub(super) fn partition(&self) -> Option<i32> {
        let first = self.steps.first().map(|step| step.partition);
        first.or(self.unfit.map(|(partition, _)| partition))
    }

    /// The last step up to an offset of its partition.
    pub(super) fn at(&self, offset: i64) -> Option<&'h Step> {
        let after = self.steps.partition_point(|step| step.offset <= offset);
        after.checked_sub(1).map(|index| self.steps[index])
    }

    /// The highest version that a read model can show.
    pub(super) fn highest(&self) -> u64 {
        self.steps.last().map_or(0, |step| step.version)
    }

    /// The offset of the first event that must be parked.
    pub(super) fn first_parked(&self) -> Option<i64> {
        self.unfit.map(|(_, offset)| offset)
    }

    pub(super) const fn has_parked(&self) -> bool {
        self.unfit.is_some()
    }
}
