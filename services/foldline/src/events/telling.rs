use event_log::{Codec, LogError, Recorded};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::output::{Output, text};

/// What people see of each event, and how wide its column is at least.
const COLUMNS: [(&str, usize); 6] = [
    ("position", 22),
    ("time", 30),
    ("type", 20),
    ("aggregate_id", 36),
    ("aggregate_version", 17),
    ("payload", 0),
];

/// Everything known of a record, as JSON. One that cannot be read says why in `unreadable`; only a registry that is away
/// is an error.
pub(super) fn tell(codec: &Codec, record: Result<Recorded, LogError>) -> Result<Value, LogError> {
    let recorded = match record {
        Ok(recorded) => recorded,
        Err(LogError::Invalid { position, source }) => {
            return Ok(json!({"position": position.to_string(), "unreadable": source.to_string()}));
        }
        Err(error) => return Err(error),
    };
    let mut told = envelope(&recorded);
    match codec.read_json(&recorded) {
        Ok(payload) => told["payload"] = payload,
        Err(error) if error.is_transient() => return Err(LogError::unreadable(&recorded, error)),
        Err(error) => told["unreadable"] = error.to_string().into(),
    }
    Ok(told)
}

fn envelope(recorded: &Recorded) -> Value {
    let (envelope, metadata) = (&recorded.envelope, &recorded.envelope.metadata);
    json!({
        "position": recorded.position.to_string(),
        "type": envelope.event_type,
        "id": envelope.event_id,
        "time": envelope.time.format(&Rfc3339).ok(),
        "aggregate_id": envelope.aggregate_id.as_str(),
        "aggregate_version": envelope.version,
        "command_id": metadata.command_id,
        "correlation_id": metadata.correlation_id,
        "actor": metadata.actor,
        "owner_epoch": envelope.owner_epoch,
        "partition_sequence": envelope.partition_sequence,
    })
}

/// The heads of the columns, where there are any.
pub(super) fn head(output: Output) -> Option<String> {
    let heads = COLUMNS.map(|(name, _)| name.replace('_', " ").to_uppercase());
    matches!(output, Output::Table).then(|| in_columns(heads))
}

/// One event as one line.
pub(super) fn line(output: Output, told: &Value) -> String {
    match output {
        Output::Json => told.to_string(),
        Output::Table => in_columns(COLUMNS.map(|(name, _)| cell(told, name))),
    }
}

/// The name without its namespace says enough, and a payload that cannot be read says why.
fn cell(told: &Value, name: &str) -> String {
    let full = text(&told[name]);
    match name {
        "type" => full.rsplit('.').next().unwrap_or_default().to_owned(),
        "payload" if told.get("unreadable").is_some() => format!("unreadable: {}", text(&told["unreadable"])),
        _ => full,
    }
}

fn in_columns(cells: [String; COLUMNS.len()]) -> String {
    let padded = cells.into_iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:width$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}
