//! How the partitions of a context are divided into shards.

use std::collections::BTreeMap;

/// An offset for each of some partitions.
pub type Offsets = BTreeMap<i32, i64>;

/// The partitions of a context and its shards. Partition `p` belongs to shard `p` modulo the number of shards.
///
/// A shard is what an instance owns: its partitions are claimed together, decided by one thread, and share a
/// transaction. Both numbers are fixed when the topics are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shards {
    partitions: i32,
    count: i32,
}

/// The number of shards is not between 1 and the number of partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{partitions} partitions cannot be divided into {count} shards: there must be 1 to {partitions}")]
pub struct InvalidShards {
    partitions: i32,
    count: i32,
}

impl Shards {
    /// Divides `partitions` partitions into `count` shards.
    pub const fn new(partitions: i32, count: i32) -> Result<Self, InvalidShards> {
        if count >= 1 && count <= partitions {
            Ok(Self { partitions, count })
        } else {
            Err(InvalidShards { partitions, count })
        }
    }

    /// The number of partitions.
    pub const fn partitions(self) -> i32 {
        self.partitions
    }

    /// The number of shards.
    pub const fn count(self) -> i32 {
        self.count
    }

    /// The shard of a partition.
    pub const fn shard_of(self, partition: i32) -> i32 {
        partition % self.count
    }

    /// The partitions of a shard, in ascending order.
    pub fn partitions_of(self, shard: i32) -> impl Iterator<Item = i32> {
        (0..self.partitions).filter(move |partition| self.shard_of(*partition) == shard)
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidShards, Shards};

    fn partitions(shards: Shards, shard: i32) -> Vec<i32> {
        shards.partitions_of(shard).collect()
    }

    #[test]
    fn every_partition_belongs_to_one_shard() {
        for (count, all) in [(1, 1), (1, 8), (2, 3), (3, 8), (8, 8)] {
            let shards = Shards::new(all, count).unwrap();
            let mut found: Vec<_> = (0..count).flat_map(|shard| partitions(shards, shard)).collect();
            found.sort_unstable();
            assert_eq!(found, (0..all).collect::<Vec<_>>());
            for partition in 0..all {
                assert!(partitions(shards, shards.shard_of(partition)).contains(&partition));
            }
        }
    }

    #[test]
    fn the_partitions_of_a_shard_are_spread_evenly() {
        let shards = Shards::new(8, 3).unwrap();
        assert_eq!(partitions(shards, 0), [0, 3, 6]);
        assert_eq!(partitions(shards, 1), [1, 4, 7]);
        assert_eq!(partitions(shards, 2), [2, 5]);
    }

    #[test]
    fn there_are_no_fewer_than_one_and_no_more_shards_than_partitions() {
        for (partitions, count) in [(8, 0), (8, -1), (8, 9), (0, 0)] {
            assert_eq!(Shards::new(partitions, count), Err(InvalidShards { partitions, count }));
        }
        let refused = Shards::new(8, 9).unwrap_err().to_string();
        assert_eq!(refused, "8 partitions cannot be divided into 9 shards: there must be 1 to 8");
    }
}
