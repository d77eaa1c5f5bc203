use super::{
    client::ClientSettings,
    command_reader::partition_count,
    replay::{Reader, watermarks},
};
use crate::{LogError, Recorded, headers};

/// How many offsets of a partition are searched. Records that are no events, and markers, have offsets too.
const LOOK_BACK: i64 = 100;

/// The newest committed event of each partition, if there is one among its last hundred offsets. Blocks.
pub fn newest_events(client: &ClientSettings, topic: &str) -> Result<Vec<Recorded>, LogError> {
    let reader = Reader::open(client, &format!("{topic}-replay"))?;
    let mut newest = Vec::new();
    for partition in 0..partition_count(reader.consumer(), topic)? {
        let (first, end) = watermarks(reader.consumer(), topic, partition)?;
        let mut last = None;
        reader.replay(topic, partition, first.max(end - LOOK_BACK), end, &mut |message| {
            if let Ok(event) = headers::read(message) {
                last = Some(event);
            }
            Ok(())
        })?;
        newest.extend(last);
    }
    Ok(newest)
}
