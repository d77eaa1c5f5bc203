use std::{fs, path::Path};

use anyhow::Context;
use event_log::{Codec, Registry, SchemaFile, Topics};

use crate::{folders::names_in, settings::LogSettings};

/// Registers the schemas of every context.
pub(crate) async fn register(settings: &LogSettings) -> anyhow::Result<()> {
    let registry = Registry::new(&settings.registry_url)?;
    for context in names_in(&settings.schemas)? {
        let files = files_of(&settings.schemas.join(&context))?;
        let topics = Topics::new(&settings.topic_prefix, &context);
        Codec::register(registry.clone(), &topics, &files).await?;
        println!("schemas of {context}: {} registered", files.len());
    }
    Ok(())
}

/// Every `<event>/v<n>.avsc` of a context.
fn files_of(context: &Path) -> anyhow::Result<Vec<SchemaFile>> {
    let mut files = Vec::new();
    for event in names_in(context)? {
        for entry in fs::read_dir(context.join(&event))? {
            files.push(file(&entry?.path())?);
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
