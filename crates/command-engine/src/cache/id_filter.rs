//! A Bloom filter of aggregate ids (B. Bloom, *Space/time trade-offs in hash coding with allowable errors*, 1970).

use std::hash::{BuildHasher, RandomState};

/// The size of a filter: 2 MB. With 1.6 million ids, one in a hundred others seems to be in it.
const BITS: u64 = 1 << 24;
/// How many bits each id sets.
const BITS_PER_ID: u64 = 4;

/// A set of ids that takes the same memory however many there are. It never misses an id that was inserted, but may seem
/// to contain others.
#[derive(Debug, Clone, Default)]
pub struct IdFilter {
    /// Empty until the first id is inserted.
    words: Vec<u64>,
    hasher: RandomState,
}

impl IdFilter {
    /// A filter without ids that can be [added](Self::add_all) to this one.
    pub(super) fn empty(&self) -> Self {
        Self { words: Vec::new(), hasher: self.hasher.clone() }
    }

    /// Inserts an id.
    pub fn insert(&mut self, id: &str) {
        self.words.resize(word(BITS), 0);
        for bit in self.bits(id) {
            self.words[word(bit)] |= 1 << (bit % 64);
        }
    }

    /// Whether the id may have been inserted. If not, it was not.
    pub fn may_contain(&self, id: &str) -> bool {
        !self.words.is_empty() && self.bits(id).all(|bit| self.words[word(bit)] & (1 << (bit % 64)) != 0)
    }

    /// Inserts all ids of another filter, which was made [empty](Self::empty) from this one.
    pub(super) fn add_all(&mut self, other: Self) {
        if self.words.is_empty() {
            self.words = other.words;
            return;
        }
        for (word, others) in self.words.iter_mut().zip(other.words) {
            *word |= others;
        }
    }

    /// The bits of an id: both halves of one hash make all of them (Kirsch and Mitzenmacher, *Less hashing, same
    /// performance*, 2006).
    fn bits(&self, id: &str) -> impl Iterator<Item = u64> + use<> {
        let hash = self.hasher.hash_one(id);
        let (first, step) = (hash >> 32, (hash & 0xffff_ffff) | 1);
        (0..BITS_PER_ID).map(move |number| (first + number * step) % BITS)
    }
}

fn word(bit: u64) -> usize {
    usize::try_from(bit / 64).expect("a filter fits into memory")
}

#[cfg(test)]
mod tests {
    use super::IdFilter;

    #[test]
    fn every_inserted_id_is_found_and_few_others() {
        let (mut ids, mut more) = (IdFilter::default(), None);
        for number in 0..100_000 {
            match number {
                0..50_000 => ids.insert(&number.to_string()),
                _ => more.get_or_insert_with(|| ids.empty()).insert(&number.to_string()),
            }
        }
        ids.add_all(more.unwrap());
        assert!((0..100_000).all(|number| ids.may_contain(&number.to_string())));
        let wrong = (100_000..200_000).filter(|number| ids.may_contain(&number.to_string())).count();
        assert!(wrong < 100, "{wrong}");
    }
}
