use std::{path::PathBuf, process::exit};

use anyhow::{Context, ensure};
use clap::Args;
use event_log::{ClientSettings, Codec, LogError, OffsetRange, Recorded, Registry, Topics, read_range};
use indicatif::ProgressBar;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::{signal::ctrl_c, task::spawn_blocking};

use super::{
    cause,
    copy::{Copy, discard},
    stretches_of, telling,
};
use crate::{INTERRUPTED, progress, settings::LogSettings};

#[derive(Args)]
pub(crate) struct Export {
    /// The context, as in `orders`.
    #[arg(long)]
    context: String,
    /// Only this partition; may be given several times.
    #[arg(long = "partition", value_name = "NUMBER")]
    partitions: Vec<i32>,
    /// Only events decided at this time or later, as in `2026-01-31T00:00:00Z`.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<OffsetDateTime>,
    /// Only events decided before this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<OffsetDateTime>,
    /// The file to write; it must not be there yet. Without it, standard output.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    settings: LogSettings,
}

fn parse_time(text: &str) -> Result<OffsetDateTime, String> {
    OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|error| format!("{error}; write it as 2026-01-31T00:00:00Z"))
}

/// Copies the events of a context, as far as they are committed now.
pub(crate) async fn export(asked: Export) -> anyhow::Result<()> {
    let codec = Codec::reading(Registry::new(&asked.settings.registry_url)?);
    let file = asked.to.clone();
    tokio::select! {
        // Ctrl-C is listened for before anything begins.
        biased;
        interrupted = ctrl_c() => {
            interrupted?;
            if let Some(file) = &file {
                discard(file);
            }
            exit(INTERRUPTED)
        }
        copied = async { spawn_blocking(move || copy(&asked, &codec)).await } => copied?,
    }
}

fn copy(asked: &Export, codec: &Codec) -> anyhow::Result<()> {
    let source = Source::of(asked)?;
    let mut copied = Copied { copy: Copy::begin(asked.to.as_deref())?, events: 0, unreadable: 0 };
    let bar = progress::bar(source.offsets());
    for stretch in &source.stretches {
        source.read(*stretch, &bar, &mut |record| {
            if asked.wants(&record) { copied.take(codec, record) } else { Ok(()) }
        })?;
    }
    bar.finish_and_clear();
    let Copied { copy, events, unreadable } = copied;
    copy.finish()?;
    eprintln!("{events} events exported; the log ended at {}", source.ends());
    ensure!(unreadable == 0, "{unreadable} of them cannot be read; their lines say why");
    Ok(())
}

impl Export {
    /// What is no event has no time; it belongs to the copy, or the copy would not be whole.
    fn wants(&self, record: &Result<Recorded, LogError>) -> bool {
        let Ok(recorded) = record else { return true };
        let time = recorded.envelope.time;
        self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until)
    }
}

/// What is copied: the end of every partition is fixed before the first event is read.
struct Source {
    client: ClientSettings,
    topic: String,
    stretches: Vec<OffsetRange>,
}

impl Source {
    fn of(asked: &Export) -> anyhow::Result<Self> {
        let topic = Topics::new(&asked.settings.topic_prefix, &asked.context).events();
        let client = asked.settings.client();
        let mut stretches = stretches_of(&client, &topic)?;
        for partition in &asked.partitions {
            let is_there = stretches.iter().any(|stretch| stretch.partition == *partition);
            ensure!(is_there, "{topic} has no partition {partition}");
        }
        let wanted = &asked.partitions;
        stretches.retain(|stretch| wanted.is_empty() || wanted.contains(&stretch.partition));
        Ok(Self { client, topic, stretches })
    }

    fn offsets(&self) -> u64 {
        self.stretches.iter().map(|stretch| stretch.end.abs_diff(stretch.first)).sum()
    }

    fn ends(&self) -> String {
        let end = |stretch: &OffsetRange| format!("{}/{}@{}", self.topic, stretch.partition, stretch.end);
        self.stretches.iter().map(end).collect::<Vec<_>>().join(", ")
    }

    fn read(
        &self,
        stretch: OffsetRange,
        bar: &ProgressBar,
        take: &mut dyn FnMut(Result<Recorded, LogError>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let before = bar.position();
        let mut look = |record: Result<Recorded, LogError>| {
            if let Ok(recorded) = &record {
                bar.set_position(before + recorded.position.offset.abs_diff(stretch.first));
            }
            take(record).map_err(|error| LogError::Fold(error.into()))
        };
        read_range(&self.client, &self.topic, stretch, &mut look).map_err(cause)?;
        bar.set_position(before + stretch.end.abs_diff(stretch.first));
        Ok(())
    }
}

struct Copied {
    copy: Copy,
    events: u64,
    unreadable: u64,
}

impl Copied {
    fn take(&mut self, codec: &Codec, record: Result<Recorded, LogError>) -> anyhow::Result<()> {
        let told = telling::tell(codec, record)?;
        self.events += 1;
        self.unreadable += u64::from(told.get("unreadable").is_some());
        self.copy.write(&told.to_string()).context("the copy cannot be written")
    }
}
