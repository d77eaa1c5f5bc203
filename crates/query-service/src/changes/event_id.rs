//! The `id` of a server-sent event: how far its stream has got in every partition.
//!
//! It is opaque to clients. It holds the first unseen offset of each partition, from partition 0 on, each encoded as
//! LEB128 (seven bits per byte, lowest first), and the whole encoded as base64.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use projection::PartitionOffsets;

/// The first byte: the version of the format.
const FORMAT: u8 = 1;

/// The text is not an id that this service wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the id was not written by this service")]
pub(super) struct InvalidEventId;

pub(super) fn write(seen: &PartitionOffsets, partitions: i32) -> String {
    let mut bytes = vec![FORMAT];
    for partition in 0..partitions {
        write_number(&mut bytes, seen.next_offset(partition).cast_unsigned());
    }
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn write_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(0x80 | number.to_le_bytes()[0]);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// The offsets that the stream had reached when the event was sent.
pub(super) fn parse(text: &str, partitions: i32) -> Result<PartitionOffsets, InvalidEventId> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidEventId)?;
    let (format, mut rest) = bytes.split_first().ok_or(InvalidEventId)?;
    let numbers = (0..partitions).map(|partition| Some((partition, read_number(&mut rest)?)));
    let seen = numbers.collect::<Option<PartitionOffsets>>().ok_or(InvalidEventId)?;
    if *format == FORMAT && rest.is_empty() { Ok(seen) } else { Err(InvalidEventId) }
}

fn read_number(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return i64::try_from(number).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{BASE64_URL_SAFE_NO_PAD, Engine as _, InvalidEventId, PartitionOffsets, parse, write};

    #[test]
    fn parsing_an_id_returns_the_offsets_it_was_written_from() {
        for next in [0, 1, 127, 128, 300_000_000, i64::MAX] {
            let seen = PartitionOffsets::from_iter([(0, 7), (1, next), (2, 0)]);
            assert_eq!(parse(&write(&seen, 3), 3), Ok(seen));
        }
    }

    #[test]
    fn the_id_of_eight_partitions_with_a_million_events_each_is_short() {
        let seen = (0..8).map(|partition| (partition, 1_000_000)).collect();
        assert_eq!(write(&seen, 8).len(), 34);
    }

    #[test]
    fn any_other_text_is_invalid() {
        let id = write(&PartitionOffsets::from_iter([(0, 300), (1, 2)]), 2);
        assert_eq!(parse(&id, 1), Err(InvalidEventId), "an id of two partitions");
        assert_eq!(parse(&id, 3), Err(InvalidEventId), "an id of two partitions");
        let too_long = BASE64_URL_SAFE_NO_PAD.encode([&[1], [0xff; 12].as_slice()].concat());
        let other_format = BASE64_URL_SAFE_NO_PAD.encode([2, 0]);
        for text in ["", "!", "AQ", "AYA", "42", &too_long, &other_format] {
            assert_eq!(parse(text, 1), Err(InvalidEventId), "{text}");
        }
    }
}
