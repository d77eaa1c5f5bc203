use std::str::FromStr;

use anyhow::{Context, ensure};
use event_log::{InvalidPosition, OffsetRange, Position};

/// Where looking begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Start {
    /// With the first event that there is.
    Beginning,
    /// With the next event that is committed.
    Now,
    /// With the event at each position, and with the next ones of all other partitions.
    At(Vec<Position>),
}

impl FromStr for Start {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        match text {
            "beginning" => Ok(Self::Beginning),
            "now" => Ok(Self::Now),
            positions => {
                positions.split(',').map(|one| one.trim().parse()).collect::<Result<_, _>>().map(Self::At)
            }
        }
    }
}

impl Start {
    /// Lets each stretch begin where looking begins.
    pub(super) fn apply(&self, topic: &str, stretches: &mut [OffsetRange]) -> anyhow::Result<()> {
        if *self == Self::Beginning {
            return Ok(());
        }
        let ends: Vec<_> = stretches.iter().map(|stretch| (stretch.first, stretch.end)).collect();
        for stretch in &mut *stretches {
            stretch.first = stretch.end;
        }
        let Self::At(positions) = self else { return Ok(()) };
        for position in positions {
            let place = usize::try_from(position.partition)?;
            let (first, end) = ends
                .get(place)
                .copied()
                .with_context(|| format!("{position}: there is no such partition"))?;
            ensure!(position.topic == topic, "{position}: the topic is {topic}");
            ensure!(
                (first..=end).contains(&position.offset),
                "{position}: there are offsets from {first} to {end}"
            );
            stretches[place].first = position.offset;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn firsts(start: &str) -> anyhow::Result<Vec<i64>> {
        let mut stretches = [0, 1].map(|partition| OffsetRange { partition, first: 5, end: 20 });
        start.parse::<Start>()?.apply("orders.events", &mut stretches)?;
        Ok(stretches.iter().map(|stretch| stretch.first).collect())
    }

    #[test]
    fn looking_begins_where_it_is_told() {
        assert_eq!(firsts("beginning").unwrap(), [5, 5]);
        assert_eq!(firsts("now").unwrap(), [20, 20]);
        assert_eq!(firsts("orders.events/1@7").unwrap(), [20, 7]);
        assert_eq!(firsts("orders.events/1@7, orders.events/0@20").unwrap(), [20, 7]);
    }

    #[test]
    fn a_place_that_is_not_there_is_refused() {
        for start in
            ["later", "orders.events/2@7", "other.events/1@7", "orders.events/1@4", "orders.events/1@21"]
        {
            assert!(firsts(start).is_err(), "{start}");
        }
    }
}
