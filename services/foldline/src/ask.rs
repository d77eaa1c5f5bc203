use std::io::{self, IsTerminal};

use anyhow::ensure;

/// Asks before something is done that others feel.
pub(crate) fn ask(question: &str, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    ensure!(io::stdin().is_terminal(), "{question} There is nobody to ask: say --yes");
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    ensure!(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()), "left as it is");
    Ok(())
}
