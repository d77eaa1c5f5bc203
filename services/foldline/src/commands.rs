use event_log::{Outcome, Topics, read_outcomes};
use serde_json::Value;

use crate::{output::Output, settings::LogSettings};

/// Prints the records of a context's commands that could not be read, as far as their outcomes are still kept.
pub(crate) async fn dead_letters(
    context: &str,
    output: Output,
    settings: &LogSettings,
) -> anyhow::Result<()> {
    let (client, topics) = (settings.client(), Topics::new(&settings.topic_prefix, context));
    let rows = tokio::task::spawn_blocking(move || {
        let mut rows = Vec::new();
        read_outcomes(&client, &topics, &mut |outcome| rows.extend(row(&outcome))).map(|()| rows)
    })
    .await??;
    output.print(["position", "key", "reason", "decided_at"], &rows);
    Ok(())
}

/// The row of an outcome that tells of a dead letter.
fn row(outcome: &Outcome) -> Option<[Value; 4]> {
    let document: Value = serde_json::from_slice(&outcome.document).ok()?;
    let position = document.pointer("/dead_letter/position")?.clone();
    let problem = |field: &str| document["problem"][field].as_str().unwrap_or_default().to_owned();
    let reason = format!("{}: {}", problem("type"), problem("detail"));
    Some([position, outcome.key.clone().into(), reason.into(), document["decided_at"].clone()])
}
