use std::{fs, path::Path};

use anyhow::Context;
use event_log::{Codec, Registry, SchemaFile, Topics, check_compatibility};

use crate::{folders::names_in, settings::LogSettings};

/// Registers the schemas of every context: events under their topic, commands under theirs.
pub(crate) async fn register(settings: &LogSettings) -> anyhow::Result<()> {
    let registry = Registry::new(&settings.registry_url)?;
    for context in names_in(&settings.schemas)? {
        let [events, commands] = files_of_context(&settings.schemas.join(&context))?;
        let topics = Topics::new(&settings.topic_prefix, &context);
        let schemas = [(topics.events(), events.as_slice()), (topics.commands(), commands.as_slice())];
        Codec::register(registry.clone(), &schemas).await?;
        println!("schemas of {context}: {} of events, {} of commands", events.len(), commands.len());
    }
    Ok(())
}

/// Checks without a registry that every version of every schema can read every other.
pub(crate) fn check(schemas: &Path) -> anyhow::Result<()> {
    for context in names_in(schemas)? {
        let files = files_of_context(&schemas.join(&context))?.concat();
        check_compatibility(&files)?;
        println!("schemas of {context}: {} compatible", files.len());
    }
    Ok(())
}

/// The events' and the commands' schemas.
fn files_of_context(folder: &Path) -> anyhow::Result<[Vec<SchemaFile>; 2]> {
    Ok([files_of(&folder.join("events"))?, files_of(&folder.join("commands"))?])
}

/// Every `<message>/v<n>.avsc` of one kind; a context need not have messages of every kind.
fn files_of(kind: &Path) -> anyhow::Result<Vec<SchemaFile>> {
    let mut files = Vec::new();
    if kind.is_dir() {
        for message in names_in(kind)? {
            for entry in fs::read_dir(kind.join(&message))? {
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
    let version = version.with_context(|| format!("{} is not called v<n>.avsc", path.display()))?;
    // The command ends soon, and takes its few schemas with it.
    let text = fs::read_to_string(path)?.leak();
    Ok(SchemaFile { version, text })
}
