use event_log::{Codec, LogError, Recorded};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::output::{self, Format, Output, text};

/// The columns of a table, and the minimum width of each. The widths are fixed, because rows are printed as they
/// arrive.
const COLUMNS: [(&str, usize); 6] = [
    ("position", 22),
    ("time", 30),
    ("type", 20),
    ("aggregate_id", 36),
    ("aggregate_version", 17),
    ("payload", 0),
];

/// A record as JSON. If it cannot be decoded, the field `unreadable` has the reason. An error means that the registry
/// or Kafka failed.
pub(super) fn to_json(codec: &Codec, record: Result<Recorded, LogError>) -> Result<Value, LogError> {
    let recorded = match record {
        Ok(recorded) => recorded,
        Err(LogError::Invalid { position, source }) => {
            return Ok(json!({"position": position.to_string(), "unreadable": source.to_string()}));
        }
        Err(error) => return Err(error),
    };
    let mut event = envelope(&recorded);
    match codec.read_json(&recorded) {
        Ok(payload) => event["payload"] = payload,
        Err(error) if error.is_transient() => return Err(LogError::unreadable(&recorded, error)),
        Err(error) => event["unreadable"] = error.to_string().into(),
    }
    Ok(event)
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

/// The heading of a table; `None` for JSON.
pub(super) fn heading(output: Output) -> Option<String> {
    let headings = COLUMNS.map(|(name, _)| output::heading(name));
    (output.format == Format::Table).then(|| in_columns(headings))
}

/// One event as one line.
pub(super) fn line(output: Output, event: &Value) -> String {
    match output.format {
        Format::Json => event.to_string(),
        Format::Table => in_columns(COLUMNS.map(|(name, _)| cell(event, name))),
    }
}

/// Types are shown without their namespace. If the payload cannot be decoded, the reason is shown instead.
fn cell(event: &Value, name: &str) -> String {
    let full = text(&event[name]);
    match name {
        "type" => full.rsplit('.').next().unwrap_or_default().to_owned(),
        "payload" if event.get("unreadable").is_some() => {
            format!("unreadable: {}", text(&event["unreadable"]))
        }
        _ => full,
    }
}

fn in_columns(cells: [String; COLUMNS.len()]) -> String {
    let padded = cells.into_iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:width$}"));
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
}
