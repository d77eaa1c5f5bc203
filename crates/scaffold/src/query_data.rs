//! The query data with which SQL is checked without a database, as `make sqlx` writes it.
//!
//! In the template, `.sqlx/NAME.json` describes the statements of `src/NAME.rs` in their order. `sqlx` expects one file
//! per statement, named after its hash.

use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::template::NewFile;

/// Replaces the descriptions by the files that `sqlx` reads.
pub(crate) fn complete(files: &mut Vec<NewFile>) -> anyhow::Result<()> {
    let is_description =
        |file: &mut NewFile| file.path.parent().is_some_and(|folder| folder.ends_with(".sqlx"));
    let descriptions: Vec<_> = files.extract_if(.., is_description).collect();
    for NewFile { path, text } in descriptions {
        let folder = path.parent().expect("it is in a folder");
        let source =
            folder.with_file_name("src").join(path.with_extension("rs").file_name().expect("it has a name"));
        let source = files.iter().find(|file| file.path == source);
        let source = source.with_context(|| format!("{} has no source file", path.display()))?;
        let described: Vec<Value> = serde_json::from_str(&text)?;
        let statements = statements(&source.text);
        ensure!(
            described.len() == statements.len(),
            "{} does not describe every statement of its source file",
            path.display()
        );
        let data: Vec<_> = statements
            .iter()
            .zip(described)
            .map(|(query, describe)| data(folder, query, &describe))
            .collect();
        files.extend(data);
    }
    Ok(())
}

/// The statements in a source file: the first string of each macro `sqlx::query…!`. None contains escapes.
fn statements(source: &str) -> Vec<String> {
    let statement = |rest: &str| {
        let (before, text) = rest.split_once('"')?;
        let end = if before.ends_with("r#") { "\"#" } else { "\"" };
        Some(text.split_once(end)?.0.to_owned())
    };
    source.split("sqlx::query").skip(1).filter_map(statement).collect()
}

fn data(folder: &Path, query: &str, describe: &Value) -> NewFile {
    let hash = format!("{:x}", Sha256::digest(query));
    let data = json!({ "db_name": "PostgreSQL", "query": query, "describe": describe, "hash": hash });
    let text = serde_json::to_string_pretty(&data).expect("JSON can be written");
    NewFile { path: folder.join(format!("query-{hash}.json")), text: text + "\n" }
}
