use anyhow::anyhow;
use clap::{Args, Subcommand};
use event_log::Position;
use projection::parked_events::{self, DropError, Selection};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use time::format_description::well_known::Rfc3339;

use crate::{
    confirmation::Confirmation,
    hint::hinted,
    output::{Output, print_line},
    projections::Target,
    read_models::ReadModels,
};

#[derive(Subcommand)]
pub(crate) enum Parked {
    /// List the parked aggregates, each with its first parked event and the reason.
    #[command(after_help = "Example:\n  foldline parked list --projection orders")]
    List {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        read_models: ReadModels,
    },
    /// Print a parked event with its headers and its payload, which may hold personal data.
    #[command(after_help = "Example:\n  foldline parked show orders.events/3@1042")]
    Show {
        /// The position of the event, such as `orders.events/3@1042`.
        #[arg(value_name = "POSITION")]
        position: Position,
        /// Only if this projection has parked it.
        #[arg(long, value_name = "PROJECTION")]
        projection: Option<String>,
        #[command(flatten)]
        read_models: ReadModels,
    },
    /// Apply parked events and those that wait for them again, in order; without a filter, all of them.
    #[command(after_help = "Example:\n  foldline parked retry --projection orders")]
    Retry {
        #[command(flatten)]
        filter: Filter,
        #[command(flatten)]
        read_models: ReadModels,
    },
    /// Drop a parked event permanently, in every generation, and retry the events that wait for it.
    #[command(after_help = "\
Example:
  foldline parked drop orders orders.events/3@1042 --reason 'written by a test' --by ada")]
    Drop {
        #[command(flatten)]
        target: Target,
        /// The position of the event, such as `orders.events/3@1042`.
        #[arg(value_name = "POSITION")]
        position: Position,
        /// Why it is dropped; kept with the event.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who drops it; kept with the event.
        #[arg(long, value_name = "NAME", env = "USER")]
        by: String,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

/// Which parked events: those that match every filter.
#[derive(Args)]
pub(crate) struct Filter {
    /// Only events of this projection.
    #[arg(long, value_name = "PROJECTION")]
    projection: Option<String>,
    /// Only events of this aggregate.
    #[arg(long, value_name = "AGGREGATE_ID")]
    aggregate: Option<String>,
    /// Only the event at this position, such as `orders.events/3@1042`.
    #[arg(long, value_name = "POSITION")]
    position: Option<Position>,
}

impl Filter {
    fn into_selection(self) -> Selection {
        Selection { projection: self.projection, aggregate: self.aggregate, position: self.position }
    }
}

impl Parked {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { filter, output, read_models } => list(filter, output, &read_models).await,
            Self::Show { position, projection, read_models } => {
                show(position, projection, &read_models).await
            }
            Self::Retry { filter, read_models } => retry(filter, &read_models).await,
            Self::Drop { target, position, reason, by, confirmation } => {
                let projection = target.name();
                confirmation.ask(&format!("Drop the event at {position} from {projection} permanently?"))?;
                drop_event(&target, &position, &by, &reason).await
            }
        }
    }
}

async fn list(filter: Filter, output: Output, read_models: &ReadModels) -> anyhow::Result<()> {
    let selection = filter.into_selection();
    let mut rows = Vec::new();
    for mut connection in read_models.connect().await? {
        rows.extend(parked_events::list(&mut connection, &selection).await?.into_iter().map(row));
    }
    Ok(output.print(COLUMNS, &rows)?)
}

#[rustfmt::skip]
const COLUMNS: [&str; 11] = [
    "projection", "generation", "position", "aggregate", "version", "type", "cause", "reason", "waiting", "retry",
    "parked_at",
];

fn row(event: parked_events::Event) -> [Value; 11] {
    [
        event.projection.into(),
        event.generation.into(),
        event.position.to_string().into(),
        event.aggregate.into(),
        event.version.into(),
        event.event_type.into(),
        event.cause.into(),
        event.reason.into(),
        event.waiting.into(),
        event.retry.into(),
        event.parked_at.format(&Rfc3339).ok().into(),
    ]
}

async fn show(
    position: Position,
    projection: Option<String>,
    read_models: &ReadModels,
) -> anyhow::Result<()> {
    let selection = Selection { projection, aggregate: None, position: Some(position.clone()) };
    let mut is_found = false;
    for mut connection in read_models.connect().await? {
        for event in parked_events::list(&mut connection, &selection).await? {
            print_line(format_args!("{:#}", document(&mut connection, &event).await?))?;
            is_found = true;
        }
    }
    if is_found { Ok(()) } else { Err(not_parked(format!("no event is parked at {position}"))) }
}

async fn document(connection: &mut PgConnection, event: &parked_events::Event) -> anyhow::Result<Value> {
    let record = parked_events::record(connection, event).await?;
    let text = |bytes: Option<Vec<u8>>| bytes.map(|bytes| bytes.escape_ascii().to_string());
    Ok(json!({
        "projection": event.projection, "generation": event.generation,
        "position": event.position.to_string(), "cause": event.cause, "reason": event.reason,
        "waiting": event.waiting, "parked_at": event.parked_at.format(&Rfc3339).ok(),
        "key": text(record.key), "headers": record.headers, "payload": text(record.payload),
    }))
}

async fn retry(filter: Filter, read_models: &ReadModels) -> anyhow::Result<()> {
    let selection = filter.into_selection();
    let mut aggregates = 0;
    for mut connection in read_models.connect().await? {
        aggregates += parked_events::retry(&mut connection, &selection).await?;
    }
    if aggregates == 0 {
        return Err(not_parked("no parked event that can be retried matches".to_owned()));
    }
    print_line(format!(
        "{aggregates} aggregates will be retried; `foldline parked list` shows those that remain parked"
    ))?;
    Ok(())
}

async fn drop_event(target: &Target, position: &Position, by: &str, reason: &str) -> anyhow::Result<()> {
    let projection = target.name();
    let mut connection = PgConnection::connect_with(&target.database().await?).await?;
    match parked_events::drop(&mut connection, projection, position, by, reason).await {
        Ok(()) => {}
        Err(error @ DropError::NotParked { .. }) => return Err(not_parked(error.to_string())),
        Err(error) => return Err(error.into()),
    }
    print_line(format!("dropped {position} from {projection}; the events that wait for it will be retried"))?;
    Ok(())
}

fn not_parked(message: String) -> anyhow::Error {
    hinted(anyhow!(message), "`foldline parked list` shows the parked events")
}
