//! The command line for operators. It contains nothing specific to one context: contexts are the folders of `schemas/`,
//! databases are those of the services and the folders of `migrations/`. Commands that only read must not join a
//! consumer group. Commands that change something can be repeated, and those that remove or replace something ask
//! first.

mod completions;
mod confirmation;
mod databases;
mod dead_letters;
mod events;
mod folders;
mod health;
mod hint;
mod migrations;
mod output;
mod parked;
mod progress;
mod projections;
mod read_models;
mod schemas;
mod settings;
mod shards;
#[cfg(test)]
mod tests;
mod topics;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    dead_letters::DeadLetters, events::Events, health::Health, parked::Parked, projections::Projections,
    schemas::Schemas, settings::DatabaseSettings, shards::Shards, topics::Topics,
};

const AFTER_HELP: &str = "\
Environment variables:
  Every option under \"Connection\" has an environment variable of the same name, such as
  FOLDLINE_KAFKA_BROKERS for --kafka-brokers. The defaults are those of the local stack.

Exit status:
  0    success
  1    failure; standard error says why
  2    invalid command line
  130  interrupted by Ctrl-C

Examples:
  foldline topics apply
  foldline events tail orders
  foldline projections rebuild orders --promote";

/// The exit status after Ctrl-C: 128 + SIGINT, as is usual for shells.
const INTERRUPTED: i32 = 130;

/// Set up, inspect and repair a Foldline installation.
#[derive(Parser)]
#[command(name = "foldline", version, arg_required_else_help = true, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create and list the Kafka topics of every context.
    #[command(subcommand)]
    Topics(Topics),
    /// Check and register the Avro schemas of every context.
    #[command(subcommand)]
    Schemas(Schemas),
    /// Create the Postgres databases and their tables.
    #[command(subcommand)]
    Migrations(Migrations),
    /// Read the events of a context.
    #[command(subcommand)]
    Events(Events),
    /// List which instance owns each shard of a context, and change the number of shards.
    #[command(subcommand)]
    Shards(Shards),
    /// List the command records that could not be read.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// List, rebuild and verify the read models.
    #[command(subcommand)]
    Projections(Projections),
    /// Inspect and repair events that a projection could not apply.
    #[command(subcommand)]
    Parked(Parked),
    /// Ask a service for its health.
    #[command(subcommand)]
    Health(Health),
    /// Print a completion script for a shell.
    #[command(
        after_help = "Example:\n  foldline completions bash > ~/.local/share/bash-completion/completions/foldline"
    )]
    Completions {
        /// The shell to complete commands in.
        shell: Shell,
    },
}

#[derive(Subcommand)]
enum Migrations {
    /// Create the databases that are missing, then apply the migrations that are new.
    #[command(after_help = "Example:\n  foldline migrations apply")]
    Apply(DatabaseSettings),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(()) => ExitCode::SUCCESS,
        // The reader, such as `head`, has closed the pipe.
        Err(error) if output::is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            hint::report(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Topics(topics) => topics.run().await,
        Command::Schemas(schemas) => schemas.run().await,
        Command::Migrations(Migrations::Apply(settings)) => migrations::apply(&settings).await,
        Command::Events(events) => events.run().await,
        Command::Shards(shards) => shards.run().await,
        Command::DeadLetters(dead_letters) => dead_letters.run().await,
        Command::Projections(projections) => projections.run().await,
        Command::Parked(parked) => parked.run().await,
        Command::Health(health) => health.run().await,
        Command::Completions { shell } => completions::print(shell),
    }
}
