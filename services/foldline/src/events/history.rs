use aggregate::AggregateId;
use clap::Args;
use event_log::{Codec, LogError, Registry, Topics, partition_of, read_range};

use super::{cause, stretches_of, telling};
use crate::{output::Output, settings::LogSettings};

#[derive(Args)]
pub(crate) struct History {
    /// The context, as in `orders`.
    #[arg(long)]
    context: String,
    /// The aggregate's id, as in `0197f1c2-…`: the key of its events.
    #[arg(long)]
    aggregate: String,
    /// How they are printed.
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    #[command(flatten)]
    settings: LogSettings,
}

/// Prints the history of one aggregate, as it stands in the log.
pub(crate) async fn history(asked: History) -> anyhow::Result<()> {
    let codec = Codec::reading(Registry::new(&asked.settings.registry_url)?);
    tokio::task::spawn_blocking(move || print(&asked, &codec)).await?
}

fn print(asked: &History, codec: &Codec) -> anyhow::Result<()> {
    let id = AggregateId::try_from(asked.aggregate.as_str())?;
    let topic = Topics::new(&asked.settings.topic_prefix, &asked.context).events();
    let client = asked.settings.client();
    let stretches = stretches_of(&client, &topic)?;
    let partition = partition_of(&id, i32::try_from(stretches.len())?);
    let mut strangers = 0;
    if let Some(head) = telling::head(asked.output) {
        println!("{head}");
    }
    for stretch in stretches.into_iter().filter(|stretch| stretch.partition == partition) {
        let mut look = |record| match record {
            Ok(recorded) if !is_of(&recorded, &id) => Ok(()),
            Err(LogError::Invalid { .. }) => {
                strangers += 1;
                Ok(())
            }
            record => {
                println!("{}", telling::line(asked.output, &telling::tell(codec, record)?));
                Ok(())
            }
        };
        read_range(&client, &topic, stretch, &mut look).map_err(cause)?;
    }
    if strangers > 0 {
        eprintln!(
            "{strangers} records of {topic}/{partition} are no events; `foldline events export` shows them"
        );
    }
    Ok(())
}

fn is_of(recorded: &event_log::Recorded, id: &AggregateId) -> bool {
    recorded.envelope.aggregate_id == *id
}
