//! Malicious payloads. None of them may cause a panic or an unbounded allocation.

use event_log::{Codec, CodecError};
use proptest::prelude::*;

use crate::{
    codec::{Counted, V1, counted, recorded},
    support::error,
};

/// The memory that one event may use, in bytes.
const LIMIT: i64 = 8 * 1024 * 1024;

fn codec() -> Codec {
    Codec::offline(&[V1]).unwrap()
}

fn read(payload: Vec<u8>) -> Result<Counted, CodecError> {
    codec().read(&recorded(payload))
}

/// A number in Avro's encoding.
fn number(value: i64) -> Vec<u8> {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    let mut bytes = Vec::new();
    while rest > 0x7f {
        bytes.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).unwrap());
    bytes
}

/// A framed datum of these numbers.
fn datum(numbers: &[i64]) -> Vec<u8> {
    let numbers = numbers.iter().flat_map(|value| number(*value));
    [0, 0, 0, 0, 1].into_iter().chain(numbers).collect()
}

#[test]
fn a_payload_without_a_frame_is_refused() {
    for payload in [vec![], vec![0], vec![0, 0, 0, 1], vec![1, 0, 0, 0, 1, 14, 0], b"{\"by\": 7}".to_vec()] {
        assert!(matches!(error(read(payload.clone())), CodecError::NotFramed), "{payload:?}");
    }
}

#[test]
fn an_unknown_schema_id_is_refused_offline() {
    let unknown = error(read(vec![0, 0, 0, 0, 2, 14, 0]));
    assert!(matches!(unknown, CodecError::UnknownType(_)) && !unknown.is_transient(), "{unknown}");
}

#[test]
fn a_payload_truncated_anywhere_is_refused() {
    let valid = codec().encode(&counted()).unwrap();
    assert_eq!(read(valid.clone()).unwrap(), counted());
    for length in 5..valid.len() {
        let refused = error(read(valid[..length].to_vec()));
        assert!(matches!(refused, CodecError::Avro(_)), "{length}: {refused}");
    }
}

#[test]
fn a_payload_with_trailing_bytes_is_refused() {
    let payload = [codec().encode(&counted()).unwrap(), vec![0, 0]].concat();
    assert!(matches!(error(read(payload)), CodecError::TrailingBytes(2)));
}

#[test]
fn a_payload_whose_type_differs_from_the_headers_is_refused() {
    let mut recorded = recorded(codec().encode(&counted()).unwrap());
    recorded.envelope.event_type = "foldline.tests.Reset".to_owned();
    let refused = error(codec().read::<Counted>(&recorded));
    assert!(matches!(refused, CodecError::OtherType { .. }), "{refused}");
}

#[test]
fn hostile_lengths_are_refused_before_memory_is_allocated() {
    for length in [LIMIT + 1, 1 << 40, i64::MAX] {
        let message = error(read(datum(&[7, 1, length]))).to_string();
        assert!(message.contains("max_allocation_bytes"), "{message}");
    }
    for count in [1 << 20, 1 << 40, i64::MAX, i64::MIN, -1, -(1 << 40)] {
        let refused = error(read(datum(&[7, count, 0])));
        assert!(matches!(refused, CodecError::Avro(_)), "{count}: {refused}");
    }
    assert!(matches!(error(read(datum(&[7, 1, -1]))), CodecError::Avro(_)));
}

proptest! {
    #[test]
    fn arbitrary_bytes_do_not_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let payload = [vec![0, 0, 0, 0, 1], bytes].concat();
        // Most payloads are refused. The others are read to their last byte.
        if let Ok(read) = read(payload.clone()) {
            prop_assert!(read.tags.len() <= payload.len());
        }
    }
}
