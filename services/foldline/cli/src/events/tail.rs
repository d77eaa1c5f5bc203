use std::{process::exit, time::Duration};

use clap::Args;
use event_log::{Codec, EventTail, LogError, Recorded};
use tokio::{signal::ctrl_c, task::spawn_blocking};

use super::{EventSource, format, start::Start};
use crate::{
    INTERRUPTED,
    output::{Output, print_line},
};

/// How long to wait for the next event at a time.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(crate) struct Tail {
    #[command(flatten)]
    source: EventSource,
    /// Print only events of this aggregate.
    #[arg(long, value_name = "AGGREGATE_ID")]
    aggregate: Option<String>,
    /// Print only events of this type, such as `OrderPlaced`; may be repeated.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Where to begin: `now`, `beginning`, or positions as in a Consistency-Token.
    ///
    /// Several positions are separated by commas, as in `orders.events/3@1042,orders.events/5@7`. Partitions without a
    /// position begin now.
    #[arg(long, value_name = "START", default_value = "now")]
    from: Start,
    /// Stop after this many events, instead of at Ctrl-C.
    #[arg(long, value_name = "EVENTS", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    #[command(flatten)]
    output: Output,
}

impl Tail {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let codec = self.source.codec()?;
        tokio::select! {
            // Poll Ctrl-C first, so that it is handled from the start.
            biased;
            interrupted = ctrl_c() => {
                interrupted?;
                exit(INTERRUPTED)
            }
            followed = async { spawn_blocking(move || self.follow(&codec)).await } => followed?,
        }
    }

    fn follow(&self, codec: &Codec) -> anyhow::Result<()> {
        let topic = self.source.topic();
        let mut ranges = self.source.ranges()?;
        self.from.apply(&topic, &mut ranges)?;
        let event_tail = EventTail::open(&self.source.kafka.client(), &topic, &ranges)?;
        eprintln!("following {topic}; press Ctrl-C to stop");
        if let Some(heading) = format::heading(self.output) {
            print_line(heading)?;
        }
        let mut left = self.limit;
        while left != Some(0) {
            let Some(record) = event_tail.next(POLL_TIMEOUT)? else { continue };
            if self.matches(&record) {
                print_line(format::line(self.output, &format::to_json(codec, record)?))?;
                left = left.map(|left| left - 1);
            }
        }
        Ok(())
    }

    /// Whether to print a record. A record that is not an event has neither an aggregate nor a type, so it is printed
    /// only without those filters.
    fn matches(&self, record: &Result<Recorded, LogError>) -> bool {
        let Ok(recorded) = record else { return self.aggregate.is_none() && self.types.is_empty() };
        let envelope = &recorded.envelope;
        let is_named = |name: &String| *name == envelope.event_type || name == envelope.short_type();
        self.aggregate.as_deref().is_none_or(|id| id == envelope.aggregate_id.as_str())
            && (self.types.is_empty() || self.types.iter().any(is_named))
    }
}
