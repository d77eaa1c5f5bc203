//! The files of a new context, made from those in the folder `template` of this crate. `{{…}}` in a path or a text is
//! replaced by a name or a port; the template has no other syntax.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context;

use crate::{names::Names, query_data, rustfmt};

/// A file of the new context.
#[derive(Debug)]
pub(crate) struct NewFile {
    /// Relative to the root of the repository.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

/// All files of a new context. This writes nothing.
pub(crate) fn files(repository: &Path, names: &Names) -> anyhow::Result<Vec<NewFile>> {
    let template = Path::new("crates/scaffold/template");
    let mut paths = Vec::new();
    collect(&repository.join(template), &mut paths)?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let path = path.strip_prefix(repository.join(template)).expect("the file was found there");
        let path = PathBuf::from(names.apply(path.to_str().context("a path is not in UTF-8")?));
        let text = names.apply(&text);
        files.push(NewFile { text: formatted(repository, &path, text)?, path });
    }
    query_data::complete(&mut files)?;
    Ok(files)
}

/// Formats a Rust file, because line breaks depend on the length of the names.
fn formatted(repository: &Path, path: &Path, text: String) -> anyhow::Result<String> {
    if path.extension().is_some_and(|extension| extension == "rs") {
        return rustfmt::format(repository, &text)
            .with_context(|| format!("cannot format {}", path.display()));
    }
    Ok(text)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() { collect(&path, paths)? } else { paths.push(path) }
    }
    Ok(())
}
