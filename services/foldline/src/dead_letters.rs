use anyhow::{bail, ensure};
use clap::{Args, Subcommand};
use event_log::Position;
use projection::dead_letters::{self, DeadLetter, DropError, Selection};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use time::format_description::well_known::Rfc3339;

use crate::{ask::ask, databases::with_projections, output::Output, settings::DatabaseSettings};

/// What can be done about events that projections could not apply.
#[derive(Subcommand)]
pub(crate) enum DeadLetters {
    /// Print the first parked event of every aggregate, and why it is parked.
    List {
        #[command(flatten)]
        selection: Selected,
        /// How they are printed.
        #[arg(long, value_enum, default_value = "table")]
        output: Output,
        #[command(flatten)]
        settings: DatabaseSettings,
    },
    /// Print one parked event with its headers and its payload, which may hold personal data.
    Show {
        #[command(flatten)]
        selection: Selected,
        #[command(flatten)]
        settings: DatabaseSettings,
    },
    /// Have parked events tried again, in order, with all that wait behind them.
    Retry {
        #[command(flatten)]
        selection: Selected,
        #[command(flatten)]
        settings: DatabaseSettings,
    },
    /// Leave an event out for ever, in every generation, and have tried again what waits behind it.
    Drop {
        /// The projection.
        #[arg(long)]
        projection: String,
        /// The event's position, as in `orders.events/3@1042`.
        #[arg(long)]
        position: Position,
        /// Why it is left out; kept with the event.
        #[arg(long)]
        reason: String,
        /// Who decides so; kept with the event.
        #[arg(long, env = "USER")]
        by: String,
        /// Does not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        settings: DatabaseSettings,
    },
}

/// Which parked events are meant: those that fit everything that is said.
#[derive(Args)]
pub(crate) struct Selected {
    /// Only those of this projection.
    #[arg(long)]
    projection: Option<String>,
    /// Only those of this aggregate.
    #[arg(long)]
    aggregate: Option<String>,
    /// Only the one at this position, as in `orders.events/3@1042`.
    #[arg(long)]
    position: Option<Position>,
}

impl Selected {
    fn into_selection(self) -> Selection {
        Selection { projection: self.projection, aggregate: self.aggregate, position: self.position }
    }
}

impl DeadLetters {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { selection, output, settings } => list(selection, output, &settings).await,
            Self::Show { selection, settings } => show(selection, &settings).await,
            Self::Retry { selection, settings } => retry(selection, &settings).await,
            Self::Drop { projection, position, reason, by, yes, settings } => {
                ask(&format!("Leave the event at {position} out of {projection} for ever?"), yes)?;
                drop_event(&projection, &position, &by, &reason, &settings).await
            }
        }
    }
}

async fn list(selection: Selected, output: Output, settings: &DatabaseSettings) -> anyhow::Result<()> {
    let selection = selection.into_selection();
    let mut rows = Vec::new();
    for mut read_model in read_models(settings).await? {
        rows.extend(dead_letters::list(&mut read_model, &selection).await?.into_iter().map(row));
    }
    output.print(NAMES, &rows);
    Ok(())
}

#[rustfmt::skip]
const NAMES: [&str; 11] = [
    "projection", "generation", "position", "aggregate", "version", "type", "cause", "reason", "waiting", "retry",
    "parked_at",
];

fn row(letter: DeadLetter) -> [Value; 11] {
    [
        letter.projection.into(),
        letter.generation.into(),
        letter.position.to_string().into(),
        letter.aggregate.into(),
        letter.version.into(),
        letter.event_type.into(),
        letter.cause.into(),
        letter.reason.into(),
        letter.waiting.into(),
        letter.retry.into(),
        letter.parked_at.format(&Rfc3339).ok().into(),
    ]
}

async fn show(selection: Selected, settings: &DatabaseSettings) -> anyhow::Result<()> {
    let selection = selection.into_selection();
    let mut shown = 0;
    for mut read_model in read_models(settings).await? {
        for letter in dead_letters::list(&mut read_model, &selection).await? {
            let record = dead_letters::record(&mut read_model, &letter).await?;
            let text = |bytes: Option<Vec<u8>>| bytes.map(|bytes| bytes.escape_ascii().to_string());
            let document = json!({
                "projection": letter.projection, "generation": letter.generation,
                "position": letter.position.to_string(), "cause": letter.cause, "reason": letter.reason,
                "waiting": letter.waiting, "parked_at": letter.parked_at.format(&Rfc3339).ok(),
                "key": text(record.key), "headers": record.headers, "payload": text(record.payload),
            });
            println!("{document:#}");
            shown += 1;
        }
    }
    ensure!(shown > 0, "nothing is parked there");
    Ok(())
}

async fn retry(selection: Selected, settings: &DatabaseSettings) -> anyhow::Result<()> {
    let selection = selection.into_selection();
    let mut aggregates = 0;
    for mut read_model in read_models(settings).await? {
        aggregates += dead_letters::retry(&mut read_model, &selection).await?;
    }
    ensure!(aggregates > 0, "nothing that can be tried again is parked there");
    println!("{aggregates} aggregates are tried again; `foldline dead-letters list` tells which stay parked");
    Ok(())
}

async fn drop_event(
    projection: &str,
    position: &Position,
    by: &str,
    reason: &str,
    settings: &DatabaseSettings,
) -> anyhow::Result<()> {
    for mut read_model in read_models(settings).await? {
        match dead_letters::drop(&mut read_model, projection, position, by, reason).await {
            // It may be the projection of another database.
            Err(DropError::NotParked { .. }) => {}
            dropped => {
                dropped?;
                println!("{position} is left out of {projection}; what waits behind it is tried again");
                return Ok(());
            }
        }
    }
    bail!("nothing is parked for {projection} at {position}")
}

/// Connects to every database that has parked events.
async fn read_models(settings: &DatabaseSettings) -> anyhow::Result<Vec<PgConnection>> {
    let mut read_models = Vec::new();
    for database in with_projections(settings).await? {
        read_models.push(PgConnection::connect_with(&database).await?);
    }
    Ok(read_models)
}
