//! Commands in Kafka: written by the platform or by other programs, and read from the partitions of their aggregates.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use aggregate::{AggregateId, Expected, Metadata};
use event_log::{
    Batch, CommandEnvelope, CommandReader, CommandRecord, CommandWriter, InvalidRecord, LogError, Offsets,
    Position, ShardLog, now, partition_of,
};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
};
use uuid::Uuid;

use crate::{
    foreign,
    support::{Log, Owner, RUNTIME, error, outcome},
};

const PARTITIONS: i32 = 2;

/// An aggregate id that hashes to this partition.
fn aggregate_in(partition: i32) -> AggregateId {
    let mut ids = (0..).map(|number| AggregateId::try_from(&*format!("order-{number}")).unwrap());
    ids.find(|id| partition_of(id, PARTITIONS) == partition).unwrap()
}

fn command(partition: i32) -> CommandEnvelope {
    CommandEnvelope {
        aggregate_id: aggregate_in(partition),
        command_type: "foldline.tests.Count".to_owned(),
        expected: Expected::Present,
        request_hash: 7,
        time: now(),
        metadata: Metadata {
            command_id: Uuid::now_v7(),
            correlation_id: "conversation".into(),
            causation_id: "request".into(),
            actor: "me".into(),
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        },
    }
}

fn write(log: &Log, commands: &[CommandEnvelope]) -> Vec<Position> {
    let writer = CommandWriter::new(&log.client, &log.topics).unwrap();
    RUNTIME.block_on(async {
        let mut positions = Vec::new();
        for command in commands {
            positions.push(writer.write(command, b"payload").await.unwrap());
        }
        positions
    })
}

fn reader(log: &Log) -> CommandReader {
    CommandReader::new(&log.client, &log.topics).unwrap()
}

/// The next `count` records.
fn take(reader: &CommandReader, count: usize) -> Vec<CommandRecord> {
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut records = Vec::new();
    while records.len() < count {
        assert!(Instant::now() < deadline, "{} of {count} within a minute", records.len());
        records.extend(reader.next(Duration::from_millis(100)).unwrap());
    }
    records
}

fn offsets(records: &[CommandRecord]) -> BTreeMap<i32, Vec<i64>> {
    let mut offsets = BTreeMap::<_, Vec<_>>::new();
    for Position { partition, offset, .. } in records.iter().map(|record| &record.position) {
        offsets.entry(*partition).or_default().push(*offset);
    }
    offsets
}

#[test]
fn a_command_is_read_as_written_in_the_partition_of_its_aggregate() {
    let log = Log::with_partitions(PARTITIONS);
    let commands = [command(0), command(1), command(0)];
    let positions = write(&log, &commands);
    let reader = reader(&log);
    reader.start(0, 0).unwrap();
    reader.start(1, 0).unwrap();
    let records = take(&reader, 3);
    for (command, position) in commands.iter().zip(positions) {
        let record = records.iter().find(|record| record.position == position).unwrap();
        assert_eq!(record.envelope.as_ref().unwrap(), command);
        assert_eq!(record.command_id, Some(command.metadata.command_id));
        assert_eq!(record.key.as_deref(), Some(command.aggregate_id.as_str().as_bytes()));
        assert_eq!(record.payload.as_deref(), Some(&b"payload"[..]));
    }
}

#[test]
fn an_invalid_command_is_returned_with_its_bytes_and_the_reader_continues() {
    let log = Log::with_partitions(PARTITIONS);
    let (topic, id) = (log.topics.commands(), Uuid::now_v7());
    let headers = [("ce_id", id.to_string()), ("ce_type", "foldline.tests.Count".to_owned())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let aggregate_of_other_partition = aggregate_in(1);
    foreign::write(&log, &topic, 0, Some(aggregate_of_other_partition.as_str()), &headers, Some("bytes"));
    foreign::write(&log, &topic, 0, None, &[], None);
    let position = write(&log, &[command(0)]).remove(0);
    let reader = reader(&log);
    reader.start(0, 0).unwrap();
    let [misplaced, empty, valid] = take(&reader, 3).try_into().unwrap();
    assert_eq!((misplaced.command_id, misplaced.envelope), (Some(id), Err(InvalidRecord::Partition)));
    assert_eq!(misplaced.payload.as_deref(), Some(&b"bytes"[..]));
    assert_eq!((empty.command_id, empty.envelope), (None, Err(InvalidRecord::Missing("ce_id"))));
    assert_eq!((valid.position, valid.envelope.is_ok()), (position, true));
}

/// Writes `count` commands to a partition.
fn write_commands(log: &Log, partition: i32, count: usize) -> Vec<i64> {
    let commands: Vec<_> = (0..count).map(|_| command(partition)).collect();
    write(log, &commands).into_iter().map(|position| position.offset).collect()
}

#[test]
fn a_pause_loses_and_repeats_nothing_and_does_not_affect_other_partitions() {
    const COUNT: usize = 1_000;
    let log = Log::with_partitions(PARTITIONS);
    let written = [write_commands(&log, 0, COUNT), write_commands(&log, 1, COUNT)];
    let reader = reader(&log);
    reader.start(0, 0).unwrap();
    // Pauses before any record has arrived, then with records prefetched, then immediately after the next record.
    reader.pause(0).unwrap();
    reader.resume(0).unwrap();
    let mut read = take(&reader, COUNT / 2);
    reader.pause(0).unwrap();
    reader.start(1, 0).unwrap();
    let from_other_partition = take(&reader, COUNT);
    assert_eq!(offsets(&from_other_partition), [(1, written[1].clone())].into());
    reader.resume(0).unwrap();
    read.extend(take(&reader, 1));
    reader.pause(0).unwrap();
    reader.resume(0).unwrap();
    read.extend(take(&reader, COUNT / 2 - 1));
    assert_eq!(offsets(&read), [(0, written[0].clone())].into());
}

#[test]
fn a_stopped_partition_can_be_started_again_at_any_offset() {
    let log = Log::with_partitions(PARTITIONS);
    let written = write_commands(&log, 0, 10);
    let reader = reader(&log);
    reader.start(0, written[4]).unwrap();
    assert_eq!(offsets(&take(&reader, 2))[&0], written[4..6]);
    // A pause ends with the stop.
    reader.pause(0).unwrap();
    reader.stop(0).unwrap();
    let position = write(&log, &[command(1)]).remove(0);
    reader.start(1, 0).unwrap();
    assert_eq!(take(&reader, 1)[0].position, position, "no more records of the stopped partition");
    reader.start(0, written[1]).unwrap();
    assert_eq!(offsets(&take(&reader, 9))[&0], written[1..]);
}

#[test]
fn a_reader_starts_with_the_oldest_command_still_kept() {
    let log = Log::with_partitions(PARTITIONS);
    let written = write_commands(&log, 0, 3);
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &log.client.brokers).create().unwrap();
    let mut first_kept = TopicPartitionList::new();
    first_kept.add_partition_offset(&log.topics.commands(), 0, Offset::Offset(written[2])).unwrap();
    RUNTIME.block_on(admin.delete_records(&first_kept, &AdminOptions::new())).unwrap();
    let reader = reader(&log);
    reader.start(0, 0).unwrap();
    assert_eq!(offsets(&take(&reader, 1))[&0], written[2..]);
}

#[test]
fn a_reader_and_a_writer_need_the_topic() {
    let log = Log::without_topics();
    let no_reader = error(CommandReader::new(&log.client, &log.topics));
    let no_writer = error(CommandWriter::new(&log.client, &log.topics));
    assert!(matches!([no_reader, no_writer], [LogError::Kafka(_), LogError::Kafka(_)]));
}

#[test]
fn a_command_that_is_too_large_is_not_written() {
    let log = Log::with_partitions(PARTITIONS);
    let writer = CommandWriter::new(&log.client, &log.topics).unwrap();
    let written = RUNTIME.block_on(writer.write(&command(0), &vec![0; 1_000_000]));
    assert!(error(written).is_too_large());
    RUNTIME.block_on(writer.write(&command(0), &vec![0; 998_000])).unwrap();
}

#[test]
fn a_shard_is_not_claimed_if_it_is_not_known_which_of_its_commands_are_decided() {
    let log = Log::with_shards(PARTITIONS, 1);
    let (written, decided) = (write_commands(&log, 0, 2), command(0));
    let next = written[0] + 1;
    Owner::of(&log, 0)
        .log
        .append(&Batch {
            events: &[],
            outcomes: &|_| vec![outcome(0, &decided.metadata.command_id.to_string(), -1)],
            next_commands: &Offsets::from([(0, next)]),
        })
        .unwrap();
    assert_eq!(Owner::of(&log, 0).next_commands, Offsets::from([(0, next), (1, 0)]));
    delete_offsets(&log);
    let lost = error(Owner::from_offsets(&log, 0, &Offsets::new()).map(drop));
    let LogError::CommandOffsetLost { partition: 0, .. } = lost else { panic!("{lost}") };
    assert!(!lost.is_transient());
}

#[test]
fn a_lost_offset_does_no_harm_where_there_are_no_commands() {
    let log = Log::with_shards(PARTITIONS, 1);
    Owner::of(&log, 0);
    delete_offsets(&log);
    assert_eq!(Owner::of(&log, 0).next_commands, Offsets::from([(0, 0), (1, 0)]));
}

/// Deletes the consumer group with its committed offsets.
fn delete_offsets(log: &Log) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &log.client.brokers).create().unwrap();
    let group = log.topics.deciders();
    let deleted = RUNTIME.block_on(admin.delete_groups(&[&group], &AdminOptions::new())).unwrap();
    assert_eq!(deleted, [Ok(group)]);
}
