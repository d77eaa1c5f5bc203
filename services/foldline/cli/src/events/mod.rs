//! Prints and copies the events of a context without joining a consumer group.
#![expect(clippy::disallowed_methods, reason = "runs in blocking tasks")]

mod export;
mod export_file;
mod format;
mod history;
mod start;
mod tail;

use anyhow::anyhow;
use clap::Subcommand;
use event_log::{Codec, LogError, OffsetRange, Registry, committed_ranges};

use self::{export::Export, history::History, tail::Tail};
use crate::settings::{KafkaSettings, RegistrySettings};

#[derive(Subcommand)]
pub(crate) enum Events {
    /// Print every event of one aggregate, decoded, from the first to the last.
    #[command(after_help = "Example:\n  foldline events history orders 0197f1c2-6f0e-7d53-8a0c-2b54f3f1a5b7")]
    History(History),
    /// Print the events of a context, decoded, as they are committed.
    #[command(after_help = "Examples:
  foldline events tail orders --type OrderPlaced
  foldline events tail orders --from orders.events/3@1042 --limit 10")]
    Tail(Tail),
    /// Copy the events of a context, decoded, as one JSON object per line.
    ///
    /// The end of every partition is fixed when the copy begins. Partitions are copied one after another, each in
    /// order.
    #[command(
        after_help = "Example:\n  foldline events export orders --to orders.jsonl --since 2026-01-31T00:00:00Z"
    )]
    Export(Export),
}

impl Events {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::History(history) => history.run().await,
            Self::Tail(tail) => tail.run().await,
            Self::Export(export) => export.run().await,
        }
    }
}

/// How to reach the events of a context and their schemas.
#[derive(clap::Args)]
struct EventSource {
    #[command(flatten)]
    context: crate::settings::Context,
    #[command(flatten)]
    kafka: KafkaSettings,
    #[command(flatten)]
    registry: RegistrySettings,
}

impl EventSource {
    fn topic(&self) -> String {
        self.kafka.topics(&self.context.name).events()
    }

    fn codec(&self) -> anyhow::Result<Codec> {
        Ok(Codec::reading(Registry::new(&self.registry.url)?))
    }

    /// The committed offsets of every partition. This blocks the thread.
    fn ranges(&self) -> anyhow::Result<Vec<OffsetRange>> {
        let ranges = committed_ranges(&self.kafka.client(), &self.topic());
        ranges.map_err(|error| self.kafka.unreadable(&self.context.name, error))
    }
}

/// The error of the fold itself, without the wrapping of [`LogError::Fold`]; any other error is unchanged.
fn unwrapped(error: LogError) -> anyhow::Error {
    match error {
        LogError::Fold(inner) => anyhow!(inner),
        other => other.into(),
    }
}
