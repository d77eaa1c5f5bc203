use aggregate::AggregateId;

/// The partition of an aggregate: murmur2 over the key, as in Kafka's Java client, so that clients in every language
/// agree.
pub fn partition_of(id: &AggregateId, partitions: i32) -> i32 {
    let positive = (murmur2(id.as_str().as_bytes()) & 0x7fff_ffff).cast_signed();
    positive % partitions
}

/// `MurmurHash2`, 32 bit, with the seed of Kafka's `org.apache.kafka.common.utils.Utils.murmur2`.
fn murmur2(key: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const MIX: u32 = 0x5bd1_e995;
    let length = u32::try_from(key.len()).expect("a key is far shorter than 4 GiB");
    let mut hash = SEED ^ length;
    let mut words = key.chunks_exact(4);
    for word in &mut words {
        let mut bits = u32::from_le_bytes(word.try_into().expect("a chunk has four bytes")).wrapping_mul(MIX);
        bits ^= bits >> 24;
        hash = hash.wrapping_mul(MIX) ^ bits.wrapping_mul(MIX);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        for (index, byte) in rest.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * index);
        }
        hash = hash.wrapping_mul(MIX);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(MIX);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::murmur2;

    #[test]
    fn hashes_match_those_of_the_java_client() {
        // The expected values of `UtilsTest.testMurmur2` in Apache Kafka.
        let cases = [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ];
        for (key, hash) in cases {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), hash, "{key}");
        }
    }
}
