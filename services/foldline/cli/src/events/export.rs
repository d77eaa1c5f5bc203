use std::{path::PathBuf, process::exit};

use anyhow::ensure;
use clap::Args;
use event_log::{Codec, LogError, OffsetRange, Recorded, read_range};
use indicatif::ProgressBar;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{signal::ctrl_c, task::spawn_blocking};

use super::{
    EventSource,
    export_file::{ExportFile, discard},
    format, unwrapped,
};
use crate::{INTERRUPTED, progress};

#[derive(Args)]
pub(crate) struct Export {
    #[command(flatten)]
    source: EventSource,
    /// Copy only this partition; may be repeated.
    #[arg(long = "partition", value_name = "NUMBER")]
    partitions: Vec<i32>,
    /// Copy only events that were decided at this time or later, such as 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<OffsetDateTime>,
    /// Copy only events that were decided before this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<OffsetDateTime>,
    /// Write to this file, which must not exist yet, instead of standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|error| format!("{error}; write it as 2026-01-31T00:00:00Z"))
}

impl Export {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let codec = self.source.codec()?;
        let file = self.to.clone();
        tokio::select! {
            // Poll Ctrl-C first, so that it is handled from the start.
            biased;
            interrupted = ctrl_c() => {
                interrupted?;
                if let Some(file) = &file {
                    discard(file);
                }
                exit(INTERRUPTED)
            }
            copied = async { spawn_blocking(move || self.copy(codec)).await } => copied?,
        }
    }

    fn copy(&self, codec: Codec) -> anyhow::Result<()> {
        let ranges = self.ranges()?;
        let mut copy =
            EventCopy { codec, file: ExportFile::create(self.to.as_deref())?, events: 0, unreadable: 0 };
        let offsets = ranges.iter().map(|range| range.end.abs_diff(range.first)).sum();
        let bar = progress::bar(offsets);
        for range in &ranges {
            self.copy_partition(*range, &bar, &mut copy)?;
        }
        bar.finish_and_clear();
        let EventCopy { file, events, unreadable, .. } = copy;
        file.finish()?;
        eprintln!("{events} events exported; the log ended at {}", self.ends(&ranges));
        ensure!(unreadable == 0, "{unreadable} of them cannot be read; their lines say why");
        Ok(())
    }

    /// The offsets to copy from each partition.
    fn ranges(&self) -> anyhow::Result<Vec<OffsetRange>> {
        let mut ranges = self.source.ranges()?;
        for partition in &self.partitions {
            let exists = ranges.iter().any(|range| range.partition == *partition);
            ensure!(exists, "{} has no partition {partition}", self.source.topic());
        }
        ranges.retain(|range| self.partitions.is_empty() || self.partitions.contains(&range.partition));
        Ok(ranges)
    }

    fn copy_partition(
        &self,
        range: OffsetRange,
        bar: &ProgressBar,
        copy: &mut EventCopy,
    ) -> anyhow::Result<()> {
        let before = bar.position();
        let mut visit = |record: Result<Recorded, LogError>| {
            if let Ok(recorded) = &record {
                bar.set_position(before + recorded.position.offset.abs_diff(range.first));
            }
            if self.matches(&record) { copy.write(record) } else { Ok(()) }
        };
        read_range(&self.source.kafka.client(), &self.source.topic(), range, &mut visit)
            .map_err(unwrapped)?;
        bar.set_position(before + range.end.abs_diff(range.first));
        Ok(())
    }

    /// Whether to copy a record. A record that is not an event has no time, so it is always copied.
    fn matches(&self, record: &Result<Recorded, LogError>) -> bool {
        let Ok(recorded) = record else { return true };
        let time = recorded.envelope.time;
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }

    fn ends(&self, ranges: &[OffsetRange]) -> String {
        let topic = self.source.topic();
        let ends = ranges.iter().map(|range| format!("{topic}/{}@{}", range.partition, range.end));
        ends.collect::<Vec<_>>().join(", ")
    }
}

/// A copy in progress.
struct EventCopy {
    codec: Codec,
    file: ExportFile,
    events: u64,
    unreadable: u64,
}

impl EventCopy {
    fn write(&mut self, record: Result<Recorded, LogError>) -> Result<(), LogError> {
        let event = format::to_json(&self.codec, record)?;
        self.events += 1;
        self.unreadable += u64::from(event.get("unreadable").is_some());
        self.file.write(&event.to_string()).map_err(|error| LogError::Fold(error.into()))
    }
}
