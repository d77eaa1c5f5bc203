//! Describes what is wrong with a value without repeating the value, which may be a secret or personal data.

/// The maximum length of a field's path in a message, in characters.
const MAX_PATH_LENGTH: usize = 128;

/// The safe part of an error message of serde or `serde_json`: what was expected, never what was found.
pub(crate) fn safe_message(message: &str) -> String {
    // The position that serde_json appends adds nothing to the path of the field.
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    if message.starts_with("missing field `") || message.starts_with("duplicate field `") {
        return message.to_owned();
    }
    let is_unknown_field = message.starts_with("unknown field");
    // What was found comes first and may contain anything, even "expected"; what was expected comes last.
    match (is_unknown_field, message.rsplit_once("expected ")) {
        (true, Some((_, expected))) => format!("unknown field, expected {expected}"),
        (true, None) => "unknown field".to_owned(),
        (false, Some((_, expected))) => format!("expected {expected}"),
        (false, None) => "not a valid value".to_owned(),
    }
}

/// Limits the length of a field's path, because the name of an unknown field comes from the caller.
pub(crate) fn truncated(path: &str) -> String {
    path.chars().take(MAX_PATH_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::{safe_message, truncated};

    #[test]
    fn a_long_path_is_truncated() {
        assert_eq!(truncated("lines[0].sku"), "lines[0].sku");
        assert_eq!(truncated(&"ä".repeat(60_000)), "ä".repeat(128));
    }

    #[test]
    fn an_invalid_value_is_never_repeated() {
        for (message, expected) in [
            ("invalid type: string \"hunter2\", expected u32 at line 1 column 5", "expected u32"),
            ("invalid value: string \"an expected hunter2\", expected u32", "expected u32"),
            (
                "unknown field `hunter2`, expected `sku` or `quantity`",
                "unknown field, expected `sku` or `quantity`",
            ),
            ("unknown field `hunter2`, there are no fields", "unknown field"),
            ("unknown variant `hunter2`, expected `open`", "expected `open`"),
            ("missing field `sku` at line 1 column 2", "missing field `sku`"),
            ("hunter2 is out of range", "not a valid value"),
        ] {
            assert_eq!(safe_message(message), expected);
        }
    }
}
