//! Writes a new context into the repository, or removes one.
//!
//! A context consists of its own folders and files (`services/NAME`, `schemas/NAME`, `migrations/NAME_read`,
//! `docs/NAME.md`) and of lines in three lists. Nothing else in the repository refers to it.

mod context;
mod list;
mod names;
mod query_data;
mod rustfmt;
mod schema_lock;
mod services;
mod template;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;

use crate::names::Names;

/// Writes a new context into the repository, or removes one.
#[derive(Debug, Parser)]
#[command(name = "scaffold")]
enum Arguments {
    /// Write a small context that compiles and passes its tests: two commands, two events, a projection, two queries.
    New {
        /// The root of the repository.
        #[arg(long, default_value = ".")]
        repository: PathBuf,
        /// The name of the context, usually a plural: `bookings`.
        name: String,
        /// The name of its aggregate: `Booking`.
        aggregate: String,
    },
    /// Remove everything that belongs to a context.
    Remove {
        /// The root of the repository.
        #[arg(long, default_value = ".")]
        repository: PathBuf,
        /// The name of the context: `bookings`.
        name: String,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse() {
        Arguments::New { repository, name, aggregate } => {
            Names::new(&name, &aggregate).and_then(|names| context::write(&repository, &names))
        }
        Arguments::Remove { repository, name } => {
            names::context(&name).and_then(|context| context::remove(&repository, &context))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("scaffold: {error:#}");
            ExitCode::FAILURE
        }
    }
}
