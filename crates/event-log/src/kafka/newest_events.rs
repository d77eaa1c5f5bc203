use super::{
    client::ClientSettings,
    command_reader::partition_count,
    replay::{Reader, watermarks},
};
use crate::{LogError, Recorded, headers};

/// How many offsets of a partition are searched first. If there is no event among them, ten times as many are, and so on:
/// markers, events that were not committed and records that are no events have offsets too.
const LOOK_BACK: i64 = 100;

/// The newest committed event of each partition that has one. Blocks.
pub fn newest_events(client: &ClientSettings, topic: &str) -> Result<Vec<Recorded>, LogError> {
    let reader = Reader::open(client, &format!("{topic}-replay"))?;
    let mut newest = Vec::new();
    for partition in 0..partition_count(reader.consumer(), topic)? {
        newest.extend(newest_of(&reader, topic, partition)?);
    }
    Ok(newest)
}

fn newest_of(reader: &Reader, topic: &str, partition: i32) -> Result<Option<Recorded>, LogError> {
    let (first, end) = watermarks(reader.consumer(), topic, partition)?;
    let (mut newest, mut look_back) = (None, LOOK_BACK);
    loop {
        let from = first.max(end - look_back);
        reader.replay(topic, partition, from, end, &mut |message| {
            newest = headers::read(message).ok().or(newest.take());
            Ok(())
        })?;
        if newest.is_some() || from == first {
            return Ok(newest);
        }
        look_back *= 10;
    }
}
