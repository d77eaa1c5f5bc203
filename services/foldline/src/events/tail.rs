use std::{
    io::{Write, stdout},
    process::exit,
    time::Duration,
};

use clap::Args;
use event_log::{Codec, EventTail, LogError, Recorded, Registry, Topics};
use tokio::{signal::ctrl_c, task::spawn_blocking};

use super::{start::Start, stretches_of, telling};
use crate::{INTERRUPTED, output::Output, settings::LogSettings};

/// How long one wait for the next event lasts.
const POLL: Duration = Duration::from_secs(1);

#[derive(Args)]
pub(crate) struct Tail {
    /// The context, as in `orders`.
    #[arg(long)]
    context: String,
    /// Only events of this aggregate.
    #[arg(long)]
    aggregate: Option<String>,
    /// Only events of this type, as in `OrderPlaced`; may be given several times.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Where to begin: `beginning`, `now`, or positions as in a Consistency-Token, `orders.events/3@1042`, with commas
    /// between several; partitions without a position begin now.
    #[arg(long, default_value = "now")]
    from: Start,
    /// End after so many events; without it, Ctrl-C ends it.
    #[arg(long, value_name = "EVENTS", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// How they are printed.
    #[arg(long, value_enum, default_value = "table")]
    output: Output,
    #[command(flatten)]
    settings: LogSettings,
}

/// Prints events as they are committed.
pub(crate) async fn tail(asked: Tail) -> anyhow::Result<()> {
    let codec = Codec::reading(Registry::new(&asked.settings.registry_url)?);
    tokio::select! {
        // Ctrl-C is listened for before anything begins.
        biased;
        interrupted = ctrl_c() => {
            interrupted?;
            exit(INTERRUPTED)
        }
        followed = async { spawn_blocking(move || follow(&asked, &codec)).await } => followed?,
    }
}

fn follow(asked: &Tail, codec: &Codec) -> anyhow::Result<()> {
    let topic = Topics::new(&asked.settings.topic_prefix, &asked.context).events();
    let client = asked.settings.client();
    let mut stretches = stretches_of(&client, &topic)?;
    asked.from.apply(&topic, &mut stretches)?;
    let event_tail = EventTail::open(&client, &topic, &stretches)?;
    eprintln!("following {topic}; Ctrl-C ends it");
    if let Some(head) = telling::head(asked.output) {
        print(&head)?;
    }
    let mut left = asked.limit;
    while left != Some(0) {
        let Some(record) = event_tail.next(POLL)? else { continue };
        if asked.wants(&record) {
            print(&telling::line(asked.output, &telling::tell(codec, record)?))?;
            left = left.map(|left| left - 1);
        }
    }
    Ok(())
}

/// Each line at once, so that whoever reads on from here sees it, and in one piece, so that Ctrl-C does not cut it.
fn print(line: &str) -> std::io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(format!("{line}\n").as_bytes())?;
    out.flush()
}

impl Tail {
    /// What is no event has neither an aggregate nor a type; it is shown where all are.
    fn wants(&self, record: &Result<Recorded, LogError>) -> bool {
        let Ok(recorded) = record else { return self.aggregate.is_none() && self.types.is_empty() };
        let envelope = &recorded.envelope;
        let is_named = |name: &String| *name == envelope.event_type || name == envelope.short_type();
        self.aggregate.as_deref().is_none_or(|id| id == envelope.aggregate_id.as_str())
            && (self.types.is_empty() || self.types.iter().any(is_named))
    }
}
