use std::str::FromStr;

use anyhow::{Context, ensure};
use event_log::{InvalidPosition, OffsetRange, Position};

/// Where `events tail` begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// At the first event in the log.
    Beginning,
    /// At the next event that is committed.
    Now,
    /// At these positions; partitions without a position begin at the next event.
    At(Vec<Position>),
}

impl FromStr for Start {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        match text {
            "beginning" => Ok(Self::Beginning),
            "now" => Ok(Self::Now),
            positions => {
                positions.split(',').map(|text| text.trim().parse()).collect::<Result<_, _>>().map(Self::At)
            }
        }
    }
}

impl Start {
    /// Sets the beginning of each range.
    pub(super) fn apply(&self, topic: &str, ranges: &mut [OffsetRange]) -> anyhow::Result<()> {
        if *self == Self::Beginning {
            return Ok(());
        }
        let ends: Vec<_> = ranges.iter().map(|range| (range.first, range.end)).collect();
        for range in &mut *ranges {
            range.first = range.end;
        }
        let Self::At(positions) = self else { return Ok(()) };
        for position in positions {
            let index = usize::try_from(position.partition)?;
            let (first, end) = ends
                .get(index)
                .copied()
                .with_context(|| format!("{position}: {topic} has no such partition"))?;
            ensure!(position.topic == topic, "{position}: the topic is {topic}");
            ensure!(
                (first..=end).contains(&position.offset),
                "{position}: the offsets of this partition are {first} to {end}"
            );
            ranges[index].first = position.offset;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firsts(start: &str) -> anyhow::Result<Vec<i64>> {
        let mut ranges = [0, 1].map(|partition| OffsetRange { partition, first: 5, end: 20 });
        start.parse::<Start>()?.apply("orders.events", &mut ranges)?;
        Ok(ranges.iter().map(|range| range.first).collect())
    }

    #[test]
    fn a_start_sets_the_beginning_of_each_range() {
        assert_eq!(firsts("beginning").unwrap(), [5, 5]);
        assert_eq!(firsts("now").unwrap(), [20, 20]);
        assert_eq!(firsts("orders.events/1@7").unwrap(), [20, 7]);
        assert_eq!(firsts("orders.events/1@7, orders.events/0@20").unwrap(), [20, 7]);
    }

    #[test]
    fn a_position_that_does_not_exist_is_refused() {
        for start in
            ["later", "orders.events/2@7", "other.events/1@7", "orders.events/1@4", "orders.events/1@21"]
        {
            assert!(firsts(start).is_err(), "{start}");
        }
    }
}
