use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::{Cli, output::print_line};

/// Prints the completion script of a shell.
pub(crate) fn print(shell: Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    let mut cli = Cli::command();
    let name = cli.get_name().to_owned();
    generate(shell, &mut cli, name, &mut script);
    Ok(print_line(String::from_utf8(script)?.trim_end())?)
}
