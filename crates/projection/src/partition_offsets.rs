use std::collections::BTreeMap;

use event_log::Position;

/// For each partition of a topic, the first offset that has not been applied.
///
/// As text it is a consistency token, `orders.events/2@1042`, or several separated by commas: the last offsets that
/// have been applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionOffsets(BTreeMap<i32, i64>);

/// The text is not a consistency token of this topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It is not a list of positions.
    #[error(transparent)]
    Form(#[from] event_log::InvalidPosition),
    /// It names a topic that this read model does not read.
    #[error("a position here is one of the topic {expected}")]
    OtherTopic {
        /// The topic that it reads.
        expected: String,
    },
    /// The topic has no such partition.
    #[error("the topic has no partition {0}")]
    UnknownPartition(i32),
    /// The offset is the largest there is: no position can be beyond it.
    #[error("there is no such offset")]
    Offset,
}

impl PartitionOffsets {
    /// Parses a token: positions of `topic`, which has this many `partitions`, separated by commas.
    pub fn parse(token: &str, topic: &str, partitions: i32) -> Result<Self, InvalidToken> {
        let positions = positions(token)?;
        if positions.iter().any(|position| position.topic != topic) {
            return Err(InvalidToken::OtherTopic { expected: topic.to_owned() });
        }
        Self::of(&positions, partitions)
    }

    /// Parses a token that may hold positions of other topics too, and keeps those of `topic`: a read model of that
    /// topic alone cannot be older than a position of another one.
    pub fn pick(token: &str, topic: &str, partitions: i32) -> Result<Self, InvalidToken> {
        let mut positions = positions(token)?;
        positions.retain(|position| position.topic == topic);
        Self::of(&positions, partitions)
    }

    fn of(positions: &[Position], partitions: i32) -> Result<Self, InvalidToken> {
        let mut offsets = Self::default();
        for position in positions {
            if position.partition >= partitions {
                return Err(InvalidToken::UnknownPartition(position.partition));
            }
            let next = position.offset.checked_add(1).ok_or(InvalidToken::Offset)?;
            offsets.include(position.partition, next);
        }
        Ok(offsets)
    }

    /// The token of all partitions in which something has been applied; `None` if nothing has.
    pub fn token(&self, topic: &str) -> Option<String> {
        let seen = self.0.iter().filter(|(_, next)| **next > 0);
        let positions: Vec<_> =
            seen.map(|(partition, next)| position(topic, *partition, next - 1).to_string()).collect();
        (!positions.is_empty()).then(|| positions.join(","))
    }

    /// Whether everything in `wanted` has been applied.
    pub fn covers(&self, wanted: &Self) -> bool {
        wanted.0.iter().all(|(partition, next)| self.next_offset(*partition) >= *next)
    }

    /// The offset of one partition alone.
    #[must_use]
    pub fn within(&self, partition: i32) -> Self {
        self.0.get(&partition).map(|next| (partition, *next)).into_iter().collect()
    }

    /// The highest partition.
    pub fn highest_partition(&self) -> Option<i32> {
        self.0.last_key_value().map(|(partition, _)| *partition)
    }

    /// Raises the offset of a partition; it never goes back.
    pub fn include(&mut self, partition: i32, next_offset: i64) {
        let next = self.0.entry(partition).or_default();
        *next = next_offset.max(*next);
    }

    /// Raises the offsets to those of another one.
    pub fn include_all(&mut self, other: &Self) {
        for (partition, next_offset) in other.iter() {
            self.include(partition, next_offset);
        }
    }

    /// The first offset of a partition that has not been applied.
    pub fn next_offset(&self, partition: i32) -> i64 {
        self.0.get(&partition).copied().unwrap_or(0)
    }

    /// Partitions in ascending order, each with the first offset that has not been applied.
    pub fn iter(&self) -> impl Iterator<Item = (i32, i64)> {
        self.0.iter().map(|(partition, next)| (*partition, *next))
    }

    /// Sets the offset of a partition, forwards or back.
    pub(crate) fn set(&mut self, partition: i32, next_offset: i64) {
        self.0.insert(partition, next_offset);
    }
}

/// Pairs of a partition and the first offset that has not been applied.
impl FromIterator<(i32, i64)> for PartitionOffsets {
    fn from_iter<I: IntoIterator<Item = (i32, i64)>>(pairs: I) -> Self {
        Self(pairs.into_iter().collect())
    }
}

fn positions(token: &str) -> Result<Vec<Position>, InvalidToken> {
    token.split(',').map(|text| Ok(text.trim().parse()?)).collect()
}

fn position(topic: &str, partition: i32, offset: i64) -> Position {
    Position { topic: topic.to_owned(), partition, offset }
}

#[cfg(test)]
mod tests {
    use super::{InvalidToken, PartitionOffsets};

    fn parse(token: &str) -> Result<PartitionOffsets, InvalidToken> {
        PartitionOffsets::parse(token, "orders.events", 8)
    }

    #[test]
    fn a_stand_survives_its_token() {
        let offsets = PartitionOffsets::from_iter([(0, 5), (7, 1043)]);
        let token = offsets.token("orders.events").unwrap();
        assert_eq!(token, "orders.events/0@4,orders.events/7@1042");
        assert_eq!(parse(&token), Ok(offsets));
    }

    #[test]
    fn a_partition_of_which_nothing_was_seen_is_not_in_the_token() {
        assert_eq!(PartitionOffsets::from_iter([(0, 0), (1, 3)]).token("t").as_deref(), Some("t/1@2"));
        assert_eq!(PartitionOffsets::from_iter([(0, 0)]).token("t"), None);
    }

    #[test]
    fn of_two_positions_in_one_partition_the_later_counts() {
        assert_eq!(parse("orders.events/3@9, orders.events/3@4"), Ok(PartitionOffsets::from_iter([(3, 10)])));
    }

    #[test]
    fn what_is_not_a_token_of_this_topic_is_refused() {
        for token in ["", ",", "orders.events/3@9,", "orders.events/3", "rubbish"] {
            assert!(matches!(parse(token), Err(InvalidToken::Form(_))), "{token}");
        }
        assert!(matches!(parse("payments.events/3@9"), Err(InvalidToken::OtherTopic { .. })));
        assert_eq!(parse("orders.events/8@9"), Err(InvalidToken::UnknownPartition(8)));
        assert_eq!(parse("orders.events/0@9223372036854775807"), Err(InvalidToken::Offset));
    }

    #[test]
    fn of_a_token_for_many_topics_those_of_one_are_picked() {
        let pick = |token| PartitionOffsets::pick(token, "orders.events", 8);
        let token = "payments.events/9@5, orders.events/3@9,shipping.events/0@1, orders.events/1@1";
        assert_eq!(pick(token), Ok(PartitionOffsets::from_iter([(3, 10), (1, 2)])));
        assert_eq!(pick("payments.events/9@5"), Ok(PartitionOffsets::default()));
        assert!(matches!(pick("payments.events/9@5,rubbish"), Err(InvalidToken::Form(_))));
        assert_eq!(pick("payments.events/9@5,orders.events/8@1"), Err(InvalidToken::UnknownPartition(8)));
    }

    #[test]
    fn a_stand_covers_what_it_has_seen_and_no_more() {
        let offsets = PartitionOffsets::from_iter([(0, 5), (1, 2)]);
        assert!(offsets.covers(&PartitionOffsets::default()));
        assert!(offsets.covers(&parse("orders.events/0@4,orders.events/1@1").unwrap()));
        assert!(!offsets.covers(&parse("orders.events/0@5").unwrap()));
        assert!(!offsets.covers(&parse("orders.events/2@0").unwrap()));
    }

    #[test]
    fn within_a_partition_only_that_partition_counts() {
        let wanted = parse("orders.events/0@9,orders.events/1@1").unwrap();
        let offsets = PartitionOffsets::from_iter([(1, 2)]);
        assert!(!offsets.covers(&wanted));
        assert!(offsets.covers(&wanted.within(1)));
        assert!(offsets.covers(&wanted.within(5)));
    }
}
