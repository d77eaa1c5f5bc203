//! The operator's command line. It knows no business: contexts are the folders of `schemas/`, databases the folders of
//! `migrations/`. Everything it does can be done again without harm, or is
//! asked for before it is done.

mod ask;
mod commands;
mod databases;
mod dead_letters;
mod events;
mod folders;
mod health;
mod migrations;
mod output;
mod partitions;
mod progress;
mod projections;
mod schemas;
mod settings;
mod topics;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{
    dead_letters::DeadLetters,
    output::Output,
    projections::Projections,
    settings::{DatabaseSettings, LogSettings, TopicSettings},
};

const EXIT_STATUS: &str = "Exit status: 0 when it is done; 1 when it failed, and standard error says why; 2 when the \
    command line is wrong; 130 when Ctrl-C has ended it. `foldline help COMMAND` tells more of each.";
/// The exit status of what Ctrl-C has ended, as shells have it.
const INTERRUPTED: i32 = 130;

/// Prepares and looks after an installation of Foldline.
#[derive(Parser)]
#[command(name = "foldline", version, arg_required_else_help = true, after_help = EXIT_STATUS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The topics of every context.
    #[command(subcommand)]
    Topics(Topics),
    /// The schemas of every event and command.
    #[command(subcommand)]
    Schemas(Schemas),
    /// The tables of every database.
    #[command(subcommand)]
    Migrations(Migrations),
    /// What has happened.
    #[command(subcommand)]
    Events(Events),
    /// Commands that came through Kafka.
    #[command(subcommand)]
    Commands(Commands),
    /// Events that projections could not apply.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// The read models, and how they are rebuilt.
    #[command(subcommand)]
    Projections(Projections),
    /// Print who owns each partition, and how far it is.
    Partitions {
        /// The context, as in `orders`.
        #[arg(long)]
        context: String,
        /// How they are printed.
        #[arg(long, value_enum, default_value = "table")]
        output: Output,
        #[command(flatten)]
        settings: LogSettings,
    },
    /// Exit 0 if a service answers its health check with 200.
    Health {
        /// As in <http://127.0.0.1:9101/health/ready>.
        #[arg(long)]
        url: String,
    },
}

#[derive(Subcommand)]
enum Topics {
    /// Create what is missing, then check that all are as they must be.
    Apply {
        #[command(flatten)]
        layout: TopicSettings,
        #[command(flatten)]
        settings: LogSettings,
    },
    /// Print how they are set up.
    Describe {
        /// How they are printed.
        #[arg(long, value_enum, default_value = "table")]
        output: Output,
        #[command(flatten)]
        settings: LogSettings,
    },
}

#[derive(Subcommand)]
enum Schemas {
    /// Register every version of every schema; an incompatible one is refused.
    Register(LogSettings),
    /// Check without a registry that every version of every schema can read every other.
    Check {
        /// Where the schemas are: <context>/<events or commands>/<message>/v<n>.avsc.
        #[arg(long, env = "FOLDLINE_SCHEMAS_DIR", default_value = "schemas")]
        schemas: PathBuf,
    },
}

#[derive(Subcommand)]
enum Migrations {
    /// Create what is missing of the databases, then apply the migrations that are new.
    Apply(DatabaseSettings),
}

#[derive(Subcommand)]
enum Events {
    /// Print every event of one aggregate, decoded, from the first to the last.
    History(events::History),
    /// Print events, decoded, as they are committed.
    Tail(events::Tail),
    /// Copy the events of a context, decoded, as one JSON object a line: every partition from its first event to where it
    /// ends when the copy begins, one partition after the other, each in order.
    Export(events::Export),
}

#[derive(Subcommand)]
enum Commands {
    /// Print the records that could not be read as commands.
    DeadLetters {
        /// The context, as in `orders`.
        #[arg(long)]
        context: String,
        /// How they are printed.
        #[arg(long, value_enum, default_value = "table")]
        output: Output,
        #[command(flatten)]
        settings: LogSettings,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Topics(Topics::Apply { layout, settings }) => topics::apply(&layout, &settings).await,
        Command::Topics(Topics::Describe { output, settings }) => topics::describe(output, &settings).await,
        Command::Schemas(Schemas::Check { schemas }) => schemas::check(&schemas),
        Command::Schemas(Schemas::Register(settings)) => schemas::register(&settings).await,
        Command::Migrations(Migrations::Apply(settings)) => migrations::apply(&settings).await,
        Command::Events(Events::History(asked)) => events::history(asked).await,
        Command::Events(Events::Tail(asked)) => events::tail(asked).await,
        Command::Events(Events::Export(asked)) => events::export(asked).await,
        Command::Commands(Commands::DeadLetters { context, output, settings }) => {
            commands::dead_letters(&context, output, &settings).await
        }
        Command::DeadLetters(command) => command.run().await,
        Command::Projections(command) => projections::run(command).await,
        Command::Partitions { context, output, settings } => {
            partitions::list(&context, output, &settings).await
        }
        Command::Health { url } => health::check(&url).await,
    }
}

#[cfg(test)]
mod tests;
