//! The commands for the generations of read models: list them, build new ones beside the live one, and promote them.

mod control;
mod discard;
mod list;
mod next_step;
mod progress;
mod promote;
mod rebuild;
mod target;
mod verify;

use clap::Subcommand;
use projection::GenerationState::{Building, Standby};

pub(crate) use self::target::Target;
use self::{
    control::{GenerationTarget, Rate},
    promote::Conditions,
    rebuild::Rebuild,
};
use crate::{confirmation::Confirmation, output::Output, read_models::ReadModels, settings::KafkaSettings};

#[derive(Subcommand)]
pub(crate) enum Projections {
    /// List every generation of every projection with its state, its lag and its position.
    #[command(after_help = "Example:\n  foldline projections list")]
    List {
        #[command(flatten)]
        output: Output,
        #[command(flatten)]
        read_models: ReadModels,
        #[command(flatten)]
        kafka: KafkaSettings,
    },
    /// Build a new generation from the first event, beside the live one, and show its progress.
    #[command(after_help = "\
Examples:
  foldline projections rebuild orders --promote
  foldline projections rebuild orders --rate 1000 --detach")]
    Rebuild(Rebuild),
    /// Make the generation that is building live, and keep the one that was live on standby.
    #[command(after_help = "Example:\n  foldline projections promote orders")]
    Promote {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        conditions: Conditions,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Make the generation on standby live again.
    #[command(after_help = "Example:\n  foldline projections rollback orders")]
    Rollback {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        conditions: Conditions,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Drop the generation that is building.
    #[command(after_help = "Example:\n  foldline projections cancel orders")]
    Cancel {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Drop the generation on standby.
    #[command(after_help = "Example:\n  foldline projections drop orders")]
    Drop {
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Build the read model again beside the live one and compare them row by row; fail if they differ.
    #[command(after_help = "Example:\n  foldline projections verify orders")]
    Verify {
        #[command(flatten)]
        target: Target,
        /// The maximum number of events per second that each projector applies to the new generation.
        #[arg(long, value_name = "RATE", value_parser = clap::value_parser!(i32).range(1..))]
        rate: Option<i32>,
        #[command(flatten)]
        output: Output,
    },
    /// Stop applying events to a generation.
    #[command(after_help = "Example:\n  foldline projections pause orders")]
    Pause(GenerationTarget),
    /// Resume a generation that is paused.
    #[command(after_help = "Example:\n  foldline projections resume orders")]
    Resume(GenerationTarget),
    /// Limit how many events per second each projector applies to a generation.
    #[command(after_help = "\
Examples:
  foldline projections limit orders 500
  foldline projections limit orders none")]
    Limit {
        #[command(flatten)]
        generation: GenerationTarget,
        /// The maximum number of events per second, or `none`.
        #[arg(value_name = "RATE")]
        rate: Rate,
    },
}

impl Projections {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { output, read_models, kafka } => list::list(output, &read_models, &kafka).await,
            Self::Rebuild(rebuild) => rebuild.run().await,
            Self::Promote { target, conditions, confirmation } => {
                promote::promote(&target, conditions, Building, &confirmation).await
            }
            Self::Rollback { target, conditions, confirmation } => {
                promote::promote(&target, conditions, Standby, &confirmation).await
            }
            Self::Cancel { target, confirmation } => discard::discard(&target, Building, &confirmation).await,
            Self::Drop { target, confirmation } => discard::discard(&target, Standby, &confirmation).await,
            Self::Verify { target, rate, output } => verify::verify(&target, rate, output).await,
            Self::Pause(generation) => control::pause(&generation).await,
            Self::Resume(generation) => control::resume(&generation).await,
            Self::Limit { generation, rate } => control::limit(&generation, rate).await,
        }
    }
}
