use clap::Subcommand;
use event_log::{Outcome, read_outcomes};
use serde_json::Value;
use tokio::task::spawn_blocking;

use crate::settings::ContextList;

#[derive(Subcommand)]
pub(crate) enum DeadLetters {
    /// List the records in a context's commands topic that could not be read as commands, while their outcomes are
    /// kept.
    #[command(after_help = "Example:\n  foldline dead-letters list orders")]
    List(ContextList),
}

impl DeadLetters {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Self::List(ContextList { context, output, kafka }) = self;
        let (client, topics) = (kafka.client(), kafka.topics(&context.name));
        let read = spawn_blocking(move || {
            let mut rows = Vec::new();
            read_outcomes(&client, &topics, &mut |outcome| rows.extend(row(&outcome))).map(|()| rows)
        });
        let rows = read.await?.map_err(|error| kafka.unreadable(&context.name, error))?;
        Ok(output.print(["position", "key", "reason", "decided_at"], &rows)?)
    }
}

/// The row of an outcome, if it belongs to a dead letter.
fn row(outcome: &Outcome) -> Option<[Value; 4]> {
    let document: Value = serde_json::from_slice(&outcome.document).ok()?;
    let position = document.pointer("/dead_letter/position")?.clone();
    let problem = |field: &str| document["problem"][field].as_str().unwrap_or_default().to_owned();
    let reason = format!("{}: {}", problem("type"), problem("detail"));
    Some([position, outcome.key.clone().into(), reason.into(), document["decided_at"].clone()])
}
