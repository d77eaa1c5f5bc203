use std::{
    fs::{self, File},
    io::{self, BufWriter, Write, stdout},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};

/// Lines on their way to a file or to standard output. The file has its name only once it is whole and on the disk;
/// until then it is called `<name>.partial`.
pub(super) struct Copy {
    lines: BufWriter<Box<dyn Write>>,
    file: Option<PathBuf>,
}

impl Copy {
    /// Begins a file, which must not be there yet, or writes to standard output.
    pub(super) fn begin(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = file else {
            return Ok(Self { lines: BufWriter::new(Box::new(stdout())), file: None });
        };
        ensure!(!path.exists(), "{} is there already: move it away, or choose another name", path.display());
        let partial = partial(path);
        let opened =
            File::create(&partial).with_context(|| format!("{} cannot be written", partial.display()))?;
        Ok(Self { lines: BufWriter::new(Box::new(opened)), file: Some(path.to_owned()) })
    }

    /// Writes a line.
    pub(super) fn write(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.lines, "{line}")
    }

    /// Gives the file its name.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        self.lines.flush().context("the copy cannot be written")?;
        if let Some(path) = self.file.take() {
            let partial = partial(&path);
            File::open(&partial)?.sync_all()?;
            fs::rename(&partial, &path).with_context(|| format!("{} cannot be named", path.display()))?;
        }
        Ok(())
    }
}

/// What was begun and not finished is of no use to anybody.
impl Drop for Copy {
    fn drop(&mut self) {
        if let Some(path) = &self.file {
            discard(path);
        }
    }
}

/// Removes what was begun of a file.
pub(super) fn discard(file: &Path) {
    drop(fs::remove_file(partial(file)));
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}
