use std::{
    env,
    io::{self, IsTerminal},
};

use anyhow::ensure;
use clap::Args;

use crate::hint::hinted;

/// Whether to ask before something is removed or replaced.
#[derive(Args)]
pub(crate) struct Confirmation {
    /// Do not ask for confirmation.
    #[arg(long)]
    yes: bool,
}

impl Confirmation {
    /// Asks for confirmation on the terminal, unless `--yes` was given. Fails if it is not given, or if there is no
    /// terminal.
    pub(crate) fn ask(&self, question: &str) -> anyhow::Result<()> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            let error = anyhow::anyhow!("{question} Cannot ask: standard input is not a terminal");
            return Err(hinted(error, format!("to confirm, run `{} --yes`", command_line())));
        }
        eprint!("{question} [y/N] ");
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        ensure!(
            ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()),
            "not confirmed, nothing was changed"
        );
        Ok(())
    }
}

/// The command line of this process, for a shell.
fn command_line() -> String {
    let arguments = env::args().skip(1).map(|argument| quoted(&argument));
    [env!("CARGO_PKG_NAME").to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" ")
}

/// Quotes an argument for a shell.
fn quoted(argument: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:@,=+".contains(letter);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument.to_owned();
    }
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn arguments_are_quoted_for_the_shell() {
        assert_eq!(quoted("orders.events/3@1042"), "orders.events/3@1042");
        assert_eq!(quoted("written by a test"), "'written by a test'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
