use aggregate::AggregateId;
use clap::Args;
use event_log::{Codec, LogError, Recorded, partition_of, read_range};
use tokio::task::spawn_blocking;

use super::{EventSource, format, unwrapped};
use crate::output::{Output, print_line};

#[derive(Args)]
pub(crate) struct History {
    #[command(flatten)]
    source: EventSource,
    /// The aggregate's id: the key of its events.
    #[arg(value_name = "AGGREGATE_ID")]
    aggregate: String,
    #[command(flatten)]
    output: Output,
}

impl History {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let codec = self.source.codec()?;
        spawn_blocking(move || self.print(&codec)).await?
    }

    fn print(&self, codec: &Codec) -> anyhow::Result<()> {
        let id = AggregateId::try_from(self.aggregate.as_str())?;
        let ranges = self.source.ranges()?;
        let partition = partition_of(&id, i32::try_from(ranges.len())?);
        if let Some(heading) = format::heading(self.output) {
            print_line(heading)?;
        }
        let mut not_events = 0;
        let mut visit = |record: Result<Recorded, LogError>| match record {
            Ok(recorded) if recorded.envelope.aggregate_id != id => Ok(()),
            Err(LogError::Invalid { .. }) => {
                not_events += 1;
                Ok(())
            }
            record => {
                let event = format::to_json(codec, record)?;
                print_line(format::line(self.output, &event)).map_err(|error| LogError::Fold(error.into()))
            }
        };
        let topic = self.source.topic();
        for range in ranges.into_iter().filter(|range| range.partition == partition) {
            read_range(&self.source.kafka.client(), &topic, range, &mut visit).map_err(unwrapped)?;
        }
        if not_events > 0 {
            let context = &self.source.context.name;
            eprintln!(
                "{not_events} records of {topic}/{partition} are not events; \
                 `foldline events export {context} --partition {partition}` prints them"
            );
        }
        Ok(())
    }
}
