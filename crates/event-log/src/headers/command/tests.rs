use rdkafka::{
    Timestamp,
    message::{Header, OwnedMessage},
};

use super::*;

const ID: Uuid = Uuid::from_u128(0x0197_a3c2_0000_7000_8000_0000_0000_00ff);
const PARTITIONS: i32 = 8;

fn message(headers: OwnedHeaders, partition: i32) -> OwnedMessage {
    let (key, payload) = (b"order-1".to_vec(), b"payload".to_vec());
    let sent = Timestamp::CreateTime(1_234);
    OwnedMessage::new(Some(payload), Some(key), "t".to_owned(), sent, partition, 7, Some(headers))
}

fn home() -> i32 {
    partition_of(&"order-1".try_into().unwrap(), PARTITIONS)
}

fn headers(pairs: &[(&str, &str)]) -> OwnedHeaders {
    pairs.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(*value) })
    })
}

/// Reads a command with the two required headers and these.
fn with(more: &[(&str, &str)]) -> Result<CommandEnvelope, InvalidRecord> {
    let id = ID.to_string();
    let both = [("ce_id", id.as_str()), ("ce_type", "foldline.tests.Count")];
    read(&message(headers(&[&both, more].concat()), home()), PARTITIONS).envelope
}

#[test]
fn a_command_can_be_read_from_its_headers() {
    let versions = Expected::OneOf(vec![Version(3), Version(4)]);
    for expected in [Expected::Any, Expected::Absent, Expected::Present, versions] {
        let envelope = CommandEnvelope {
            aggregate_id: "order-1".try_into().unwrap(),
            command_type: "foldline.tests.Count".to_owned(),
            expected,
            request_hash: u64::MAX,
            time: crate::now(),
            metadata: Metadata {
                command_id: ID,
                correlation_id: "conversation".into(),
                causation_id: "request".into(),
                actor: "me".into(),
                traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
            },
        };
        let record = read(&message(write(&envelope, "/tests"), home()), PARTITIONS);
        assert_eq!((record.command_id, record.envelope), (Some(ID), Ok(envelope)));
        assert_eq!(record.position.to_string(), format!("t/{}@7", home()));
    }
}

#[test]
fn two_headers_are_enough() {
    let envelope = with(&[]).unwrap();
    assert_eq!(envelope.expected, Expected::Any);
    assert_eq!(envelope.time.unix_timestamp_nanos(), 1_234_000_000);
    assert_eq!(envelope.request_hash, 0x239f_59ed_55e7_37c7, "the first bytes of the payload's SHA-256");
    let metadata = envelope.metadata;
    assert_eq!((metadata.command_id, &*metadata.actor), (ID, "anonymous"));
    assert_eq!([&*metadata.correlation_id, &*metadata.causation_id], [&*ID.to_string(); 2]);
    assert_eq!(&*metadata.traceparent, "00-0197a3c20000700080000000000000ff-80000000000000ff-00");
}

#[test]
fn a_header_that_is_present_must_be_valid() {
    let long = "x".repeat(257);
    let cases = [
        ("ce_time", "yesterday"),
        ("request_hash", "-1"),
        ("expected_version", ""),
        ("expected_version", "0"),
        ("expected_version", "3,"),
        ("expected_version", "gone"),
        ("actor", &long),
        ("traceparent", &long),
    ];
    for (name, value) in cases {
        assert_eq!(with(&[(name, value)]), Err(InvalidRecord::Malformed(name)), "{value}");
    }
    assert_eq!(with(&[("ce_subject", "order-2")]), Err(InvalidRecord::Subject));
}

#[test]
fn an_invalid_command_keeps_its_id_if_it_has_one() {
    let (id, ours) = (ID.to_string(), ("ce_type", "foldline.tests.Count"));
    let read = |headers: &[(&str, &str)], partition| {
        let record = read(&message(self::headers(headers), partition), PARTITIONS);
        (record.command_id, record.envelope.unwrap_err())
    };
    let elsewhere = (home() + 1) % PARTITIONS;
    assert_eq!(read(&[("ce_id", &id), ours], elsewhere), (Some(ID), InvalidRecord::Partition));
    assert_eq!(read(&[("ce_id", &id)], home()), (Some(ID), InvalidRecord::Missing("ce_type")));
    assert_eq!(read(&[("ce_id", "1"), ours], home()), (None, InvalidRecord::Malformed("ce_id")));
    assert_eq!(read(&[ours], home()), (None, InvalidRecord::Missing("ce_id")));
}

#[test]
fn a_record_without_key_payload_or_headers_is_not_a_command() {
    let bare = |key: Option<&[u8]>, payload: Option<&[u8]>, headers: Option<OwnedHeaders>| {
        let (key, payload) = (key.map(<[u8]>::to_vec), payload.map(<[u8]>::to_vec));
        let message =
            OwnedMessage::new(payload, key, "t".to_owned(), Timestamp::NotAvailable, home(), 7, headers);
        read(&message, PARTITIONS).envelope.unwrap_err()
    };
    let id = headers(&[("ce_id", &ID.to_string())]);
    assert_eq!(bare(None, Some(b"x"), Some(id.clone())), InvalidRecord::Key);
    assert_eq!(bare(Some(b"\xff"), Some(b"x"), Some(id.clone())), InvalidRecord::Key);
    assert_eq!(bare(Some(b"order-1"), None, Some(id)), InvalidRecord::NoPayload);
    assert_eq!(bare(None, None, None), InvalidRecord::Missing("ce_id"));
}
