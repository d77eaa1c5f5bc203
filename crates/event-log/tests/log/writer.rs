use std::time::{Duration, Instant};

use event_log::{Batch, LogError, Offsets, ShardLog};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    topic_partition_list::TopicPartitionListElem,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    foreign,
    support::{Log, Owner, error, offsets, record, sequences},
};

#[test]
fn an_empty_shard_is_claimed_with_the_first_epoch() {
    let owner = Owner::of(&Log::with_partitions(1), 0);
    assert_eq!(owner.epoch, 1);
    assert!(owner.replayed.is_empty());
}

#[test]
fn nothing_is_appended_before_a_claim() {
    let log = Log::with_partitions(1);
    let refused = error(log.writer(0, "here:1").append(&Batch::events(&[record(0, "a", 1, 1)])));
    assert!(matches!(refused, LogError::NotClaimed), "{refused}");
}

#[test]
fn an_append_returns_the_offsets_that_any_consumer_sees() {
    let log = Log::with_partitions(2);
    let mut owner = Owner::of(&log, 1);
    let mut appended = Vec::new();
    for group in [&["a", "b", "a"][..], &["c"], &["b", "b"]] {
        appended.extend(owner.append(group).unwrap());
    }
    let seen = log.seen();
    assert!(seen.iter().all(|event| event.partition == 1));
    assert_eq!(seen.iter().map(|event| event.offset).collect::<Vec<_>>(), appended);
    let keys: Vec<_> = seen.iter().map(|event| event.key.as_str()).collect();
    assert_eq!(keys, ["a", "b", "a", "c", "b", "b"]);
}

#[test]
fn an_event_carries_its_whole_envelope_in_sixteen_headers() {
    let log = Log::with_partitions(1);
    let mut owner = Owner::of(&log, 0);
    let new = record(0, "order-1", owner.epoch, 1);
    owner.log.append(&Batch::events(std::slice::from_ref(&new))).unwrap();
    let seen = &log.seen()[0];
    let (envelope, headers) = (&new.envelope, &seen.headers);
    let expected = [
        ("ce_specversion", "1.0"),
        ("ce_id", &envelope.event_id.to_string()),
        ("ce_source", "/tests"),
        ("ce_type", "foldline.tests.Counted"),
        ("ce_time", &envelope.time.format(&Rfc3339).unwrap()),
        ("ce_subject", "order-1"),
        ("content-type", "application/vnd.confluent.avro"),
        ("aggregate_version", "1"),
        ("command_id", &envelope.metadata.command_id.to_string()),
        ("request_hash", "18446744073709551615"),
        ("correlation_id", "conversation"),
        ("causation_id", "request"),
        ("actor", "anonymous"),
        ("owner_epoch", "1"),
        ("partition_sequence", "1"),
        ("traceparent", &envelope.metadata.traceparent),
    ];
    assert_eq!(*headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!((seen.key.as_str(), &seen.payload), ("order-1", &new.payload));
    let time = OffsetDateTime::parse(&headers["ce_time"], &Rfc3339).unwrap();
    assert_eq!(i128::from(seen.timestamp.unwrap()) * 1_000_000, time.unix_timestamp_nanos());
}

#[test]
fn a_claim_reads_the_appended_events_and_increases_the_epoch() {
    let log = Log::with_partitions(1);
    let mut first = Owner::of(&log, 0);
    let group = [record(0, "a", 1, 1), record(0, "b", 1, 2)];
    let appended = first.log.append(&Batch::events(&group)).unwrap();
    let second = Owner::of(&log, 0);
    assert!(second.epoch > first.epoch);
    assert_eq!(offsets(&second.replayed), appended);
    for (recorded, new) in second.replayed.iter().zip(&group) {
        assert_eq!((&recorded.envelope, &recorded.payload), (&new.envelope, &new.payload));
        assert_eq!(
            (recorded.position.topic.as_str(), recorded.position.partition),
            (&*log.topics.events(), 0)
        );
    }
}

#[test]
fn a_claim_reads_everything_even_if_the_log_ends_with_aborted_records() {
    let log = Log::with_partitions(1);
    let mut first = Owner::of(&log, 0);
    for group in [&["a"; 100][..], &["b"], &["c"; 7]] {
        first.append(group).unwrap();
    }
    for attempt in 0..3 {
        foreign::abort(&foreign::open_transaction(
            &log,
            &format!("{}abort-{attempt}", log.environment.topic_prefix),
            0,
        ));
    }
    let second = Owner::of(&log, 0);
    assert_eq!(sequences(&second.replayed), (1..=108).collect::<Vec<_>>());
}

#[test]
fn a_claim_from_the_middle_reads_only_the_tail() {
    let log = Log::with_partitions(1);
    let mut first = Owner::of(&log, 0);
    first.append(&["a", "b"]).unwrap();
    let tail = first.append(&["c", "d", "e"]).unwrap();
    let second = Owner::from_offsets(&log, 0, &Offsets::from([(0, tail[1])])).unwrap();
    assert_eq!(offsets(&second.replayed), tail[1..]);
    assert!(second.epoch > first.epoch);
    let third = Owner::from_offsets(&log, 0, &Offsets::from([(0, tail[2] + 1)])).unwrap();
    assert!(third.replayed.is_empty());
    assert!(third.epoch > second.epoch, "a claim uses up an epoch even if its owner writes nothing");
}

#[test]
fn each_shard_has_its_own_owner_and_epochs() {
    let log = Log::with_partitions(2);
    let mut zero = Owner::of(&log, 0);
    let mut one = Owner::of(&log, 1);
    zero.append(&["a"]).unwrap();
    one.append(&["b"]).unwrap();
    assert!(Owner::of(&log, 0).epoch > zero.epoch);
    zero.append(&["too-late"]).unwrap_err();
    one.append(&["b"]).unwrap();
}

#[test]
fn the_largest_record_that_is_not_too_large_can_be_written() {
    let log = Log::with_partitions(1);
    let mut owner = Owner::of(&log, 0);
    let mut largest = record(0, "a", owner.epoch, 1);
    largest.payload = vec![0; 1_000_000];
    while largest.is_too_large() {
        largest.payload.pop();
    }
    assert!(largest.payload.len() > 998_000, "{}", largest.payload.len());
    let offsets = owner.log.append(&Batch::events(std::slice::from_ref(&largest))).unwrap();
    assert_eq!(log.seen()[0].offset, offsets[0]);
}

#[test]
fn a_batch_is_sent_while_the_one_before_it_is_not_committed() {
    let log = Log::with_partitions(1);
    let mut owner = Owner::of(&log, 0);
    let mut send = |sequence| {
        let event = record(0, "a", owner.epoch, sequence);
        owner.log.send(&Batch::events(&[event])).unwrap()
    };
    let [first, second] = [send(1), send(2)];
    (first.commit)().unwrap();
    let third = send(3);
    (second.commit)().unwrap();
    let fourth = send(4);

    let replayed = Owner::of(&log, 0).replayed;
    assert_eq!(offsets(&replayed), [first.offsets, second.offsets].concat());
    for replaced in [third.commit, fourth.commit] {
        assert!(error(replaced()).is_fenced());
    }
}

#[test]
fn an_error_of_the_fold_ends_the_claim() {
    let log = Log::with_partitions(1);
    Owner::of(&log, 0).append(&["a"]).unwrap();
    let mut second = log.writer(0, "here:1");
    let refused = error(second.claim(&Offsets::new(), &mut |_| Err(LogError::Planted)));
    assert!(matches!(refused, LogError::Planted), "{refused}");
    assert!(matches!(error(second.append(&Batch::events(&[record(0, "a", 2, 2)]))), LogError::NotClaimed));
}

/// A member of the consumer group for commands, such as each instance has.
fn join_command_group(log: &Log) -> BaseConsumer {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &log.client.brokers)
        .set("group.id", log.topics.deciders())
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    consumer.subscribe(&[&log.topics.owners()]).unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    while consumer.assignment().unwrap().count() == 0 {
        assert!(Instant::now() < deadline, "the group has no member within a minute");
        drop(consumer.poll(Duration::from_millis(10)));
    }
    consumer
}

/// The committed offsets of the commands topic.
fn committed(member: &BaseConsumer, log: &Log) -> Vec<Offset> {
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_range(&log.topics.commands(), 0, log.shards.partitions() - 1);
    let committed = member.committed_offsets(partitions, Duration::from_secs(10)).unwrap();
    committed.elements().iter().map(TopicPartitionListElem::offset).collect()
}

#[test]
fn the_command_offset_is_committed_by_a_producer_outside_the_group() {
    let log = Log::with_shards(2, 1);
    let member = join_command_group(&log);
    let mut owner = Owner::of(&log, 0);
    // Kafka forgets offsets that are not committed again for some time, so every claim commits them.
    assert_eq!(committed(&member, &log), [Offset::Offset(0); 2]);
    owner.decide_commands("a", 17).unwrap();
    owner.decide_commands("b", 4).unwrap();
    assert_eq!(committed(&member, &log), [Offset::Offset(4), Offset::Offset(17)]);
    assert_eq!(Owner::of(&log, 0).next_commands, Offsets::from([(0, 4), (1, 17)]));
}
