use std::{fs, path::Path};

use anyhow::Context;
use clap::Subcommand;
use event_log::{Codec, Registry, SchemaFile, check_compatibility};

use crate::{
    folders::names_in,
    output::print_line,
    settings::{RegistrySettings, SchemaSettings, TopicPrefix},
};

#[derive(Subcommand)]
pub(crate) enum Schemas {
    /// Check, without a registry, that every version of every schema can read every other version.
    #[command(after_help = "Example:\n  foldline schemas check")]
    Check {
        #[command(flatten)]
        schemas: SchemaSettings,
    },
    /// Register every version of every schema; the registry refuses versions that are incompatible.
    #[command(after_help = "Example:\n  foldline schemas apply")]
    Apply {
        #[command(flatten)]
        schemas: SchemaSettings,
        #[command(flatten)]
        registry: RegistrySettings,
        #[command(flatten)]
        prefix: TopicPrefix,
    },
}

impl Schemas {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Check { schemas } => check(&schemas.folder),
            Self::Apply { schemas, registry, prefix } => apply(&schemas.folder, &registry, &prefix).await,
        }
    }
}

fn check(folder: &Path) -> anyhow::Result<()> {
    for context in names_in(folder)? {
        let files = files_of_context(&folder.join(&context))?.concat();
        check_compatibility(&files)?;
        print_line(format!("schemas of {context}: {}, all compatible", files.len()))?;
    }
    Ok(())
}

/// Registers the schemas of events under the events topic, and those of commands under the commands topic.
async fn apply(folder: &Path, registry: &RegistrySettings, prefix: &TopicPrefix) -> anyhow::Result<()> {
    let registry = Registry::new(&registry.url)?;
    for context in names_in(folder)? {
        let [events, commands] = files_of_context(&folder.join(&context))?;
        let topics = prefix.topics(&context);
        let schemas = [(topics.events(), events.as_slice()), (topics.commands(), commands.as_slice())];
        Codec::register(registry.clone(), &schemas).await?;
        let (events, commands) = (events.len(), commands.len());
        print_line(format!(
            "schemas of {context}: {events} of events, {commands} of commands, all registered"
        ))?;
    }
    Ok(())
}

/// The schemas of events, and those of commands.
fn files_of_context(folder: &Path) -> anyhow::Result<[Vec<SchemaFile>; 2]> {
    Ok([files_of(&folder.join("events"))?, files_of(&folder.join("commands"))?])
}

/// Every `<message>/v<n>.avsc` in a folder, which need not exist.
fn files_of(folder: &Path) -> anyhow::Result<Vec<SchemaFile>> {
    let mut files = Vec::new();
    // Not `is_dir`, which returns false for a folder that cannot be read.
    if folder.try_exists().with_context(|| format!("cannot read {}", folder.display()))? {
        for message in names_in(folder)? {
            for entry in fs::read_dir(folder.join(&message))? {
                files.push(file(&entry?.path())?);
            }
        }
    }
    Ok(files)
}

fn file(path: &Path) -> anyhow::Result<SchemaFile> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let version =
        name.strip_prefix('v').and_then(|rest| rest.strip_suffix(".avsc")).and_then(|n| n.parse().ok());
    let version = version.with_context(|| format!("{} is not named v<n>.avsc", path.display()))?;
    // Leaking is acceptable: there are few schemas, and the process ends soon.
    let text = fs::read_to_string(path)?.leak();
    Ok(SchemaFile { version, text })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::files_of;

    #[test]
    fn a_missing_folder_has_no_schemas_and_an_unreadable_one_is_an_error() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(files_of(&here.join("nowhere")).unwrap().is_empty());
        assert!(files_of(&here.join("Cargo.toml")).is_err());
        assert!(files_of(&here.join("Cargo.toml/events")).is_err());
    }
}
