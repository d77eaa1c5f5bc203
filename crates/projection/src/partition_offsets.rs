use std::collections::BTreeMap;

use event_log::Position;

/// For each partition of a topic, the first offset that has not been applied.
///
/// The text form is a consistency token: the positions that were applied last, separated by commas, such as
/// `orders.events/2@1042`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PartitionOffsets(BTreeMap<i32, i64>);

/// The text is not a consistency token of this topic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// The token is not a list of positions.
    #[error(transparent)]
    Form(#[from] event_log::InvalidPosition),
    /// A position belongs to a topic that this read model does not read.
    #[error("the positions must be of the topic {expected}")]
    OtherTopic {
        /// The topic that the read model reads.
        expected: String,
    },
    /// The topic has no such partition.
    #[error("the topic has no partition {0}")]
    UnknownPartition(i32),
    /// The offset is the largest possible one, so there is no next offset.
    #[error("there is no such offset")]
    Offset,
}

impl PartitionOffsets {
    /// Parses a token whose positions must all be of `topic`, which has this many `partitions`.
    pub fn parse(token: &str, topic: &str, partitions: i32) -> Result<Self, InvalidToken> {
        let positions = positions(token)?;
        if positions.iter().any(|position| position.topic != topic) {
            return Err(InvalidToken::OtherTopic { expected: topic.to_owned() });
        }
        Self::of(&positions, partitions)
    }

    /// Parses a token that may also contain positions of other topics, and keeps those of `topic`. The others do not
    /// matter to a read model that reads only that topic.
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

    /// The token of all partitions with applied events; `None` if there are none.
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

    /// The offset of only one partition.
    #[must_use]
    pub fn within(&self, partition: i32) -> Self {
        self.0.get(&partition).map(|next| (partition, *next)).into_iter().collect()
    }

    /// The highest partition.
    pub fn highest_partition(&self) -> Option<i32> {
        self.0.last_key_value().map(|(partition, _)| *partition)
    }

    /// Raises the offset of a partition. It is never lowered.
    pub fn include(&mut self, partition: i32, next_offset: i64) {
        let next = self.0.entry(partition).or_default();
        *next = next_offset.max(*next);
    }

    /// Raises the offsets to those of `other`.
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
    fn parsing_the_token_of_offsets_returns_the_offsets() {
        let offsets = PartitionOffsets::from_iter([(0, 5), (7, 1043)]);
        let token = offsets.token("orders.events").unwrap();
        assert_eq!(token, "orders.events/0@4,orders.events/7@1042");
        assert_eq!(parse(&token), Ok(offsets));
    }

    #[test]
    fn a_partition_without_applied_events_is_not_in_the_token() {
        assert_eq!(PartitionOffsets::from_iter([(0, 0), (1, 3)]).token("t").as_deref(), Some("t/1@2"));
        assert_eq!(PartitionOffsets::from_iter([(0, 0)]).token("t"), None);
    }

    #[test]
    fn the_later_of_two_positions_in_one_partition_applies() {
        assert_eq!(parse("orders.events/3@9, orders.events/3@4"), Ok(PartitionOffsets::from_iter([(3, 10)])));
    }

    #[test]
    fn text_that_is_not_a_token_of_this_topic_is_refused() {
        for token in ["", ",", "orders.events/3@9,", "orders.events/3", "rubbish"] {
            assert!(matches!(parse(token), Err(InvalidToken::Form(_))), "{token}");
        }
        assert!(matches!(parse("payments.events/3@9"), Err(InvalidToken::OtherTopic { .. })));
        assert_eq!(parse("orders.events/8@9"), Err(InvalidToken::UnknownPartition(8)));
        assert_eq!(parse("orders.events/0@9223372036854775807"), Err(InvalidToken::Offset));
    }

    #[test]
    fn the_positions_of_one_topic_are_picked_from_a_token_of_several() {
        let pick = |token| PartitionOffsets::pick(token, "orders.events", 8);
        let token = "payments.events/9@5, orders.events/3@9,shipping.events/0@1, orders.events/1@1";
        assert_eq!(pick(token), Ok(PartitionOffsets::from_iter([(3, 10), (1, 2)])));
        assert_eq!(pick("payments.events/9@5"), Ok(PartitionOffsets::default()));
        assert!(matches!(pick("payments.events/9@5,rubbish"), Err(InvalidToken::Form(_))));
        assert_eq!(pick("payments.events/9@5,orders.events/8@1"), Err(InvalidToken::UnknownPartition(8)));
    }

    #[test]
    fn offsets_cover_exactly_the_positions_before_them() {
        let offsets = PartitionOffsets::from_iter([(0, 5), (1, 2)]);
        assert!(offsets.covers(&PartitionOffsets::default()));
        assert!(offsets.covers(&parse("orders.events/0@4,orders.events/1@1").unwrap()));
        assert!(!offsets.covers(&parse("orders.events/0@5").unwrap()));
        assert!(!offsets.covers(&parse("orders.events/2@0").unwrap()));
    }

    #[test]
    fn offsets_within_a_partition_ignore_the_other_partitions() {
        let wanted = parse("orders.events/0@9,orders.events/1@1").unwrap();
        let offsets = PartitionOffsets::from_iter([(1, 2)]);
        assert!(!offsets.covers(&wanted));
        assert!(offsets.covers(&wanted.within(1)));
        assert!(offsets.covers(&wanted.within(5)));
    }
}
