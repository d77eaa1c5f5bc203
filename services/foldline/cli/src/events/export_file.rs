use std::{
    fs::{self, File},
    io::{self, BufWriter, Write, stdout},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};

/// A file that is written line by line, or standard output. The file is named `<name>.partial` until it is complete and
/// on disk.
pub(super) struct ExportFile {
    lines: BufWriter<Box<dyn Write>>,
    path: Option<PathBuf>,
}

impl ExportFile {
    /// Creates a file, which must not exist yet, or writes to standard output.
    pub(super) fn create(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(Self { lines: BufWriter::new(Box::new(stdout())), path: None });
        };
        ensure!(!path.exists(), "{} already exists: move it away, or choose another name", path.display());
        let partial = partial(path);
        let file = File::create(&partial).with_context(|| format!("cannot create {}", partial.display()))?;
        Ok(Self { lines: BufWriter::new(Box::new(file)), path: Some(path.to_owned()) })
    }

    /// Writes a line.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.lines, "{line}")
    }

    /// Syncs the file to disk, and renames it to its final name.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.lines.flush()?;
        if let Some(path) = self.path.take() {
            let partial = partial(&path);
            File::open(&partial)?.sync_all()?;
            fs::rename(&partial, &path).with_context(|| format!("cannot rename {}", partial.display()))?;
        }
        Ok(())
    }
}

/// Removes the file if it was not finished.
impl Drop for ExportFile {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            discard(path);
        }
    }
}

/// Removes the incomplete file.
pub(super) fn discard(path: &Path) {
    drop(fs::remove_file(partial(path)));
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}
