//! Says what is wrong with a value without repeating it: it may be a secret or personal data.

/// The longest path of a field that is shown, in characters.
const MAX_PATH_LENGTH: usize = 128;

/// The safe part of a message of serde or `serde_json`: what was expected, never what was found.
pub(crate) fn complaint(message: &str) -> String {
    // The position that serde_json appends says nothing beside the path of the field.
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    if message.starts_with("missing field `") || message.starts_with("duplicate field `") {
        return message.to_owned();
    }
    let is_unknown_field = message.starts_with("unknown field");
    // What was found comes first and may hold anything, even this word; what was expected comes last.
    match (is_unknown_field, message.rsplit_once("expected ")) {
        (true, Some((_, expected))) => format!("unknown field, expected {expected}"),
        (true, None) => "unknown field".to_owned(),
        (false, Some((_, expected))) => format!("expected {expected}"),
        (false, None) => "not a valid value".to_owned(),
    }
}

/// The path of a field, cut where it is long: an unknown field is named by the caller.
pub(crate) fn shortened(path: &str) -> String {
    path.chars().take(MAX_PATH_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::{complaint, shortened};

    #[test]
    fn a_long_name_from_outside_is_cut() {
        assert_eq!(shortened("lines[0].sku"), "lines[0].sku");
        assert_eq!(shortened(&"ä".repeat(60_000)), "ä".repeat(128));
    }

    #[test]
    fn what_was_found_is_never_repeated() {
        for (message, wanted) in [
            ("invalid type: string \"hunter2\", expected u32 at line 1 column 5", "expected u32"),
            ("invalid value: string \"an expected hunter2\", expected u32", "expected u32"),
            (
                "unknown field `hunter2`, expected `sku` or `quantity`",
                "unknown field, expected `sku` or `quantity`",
            ),
            ("unknown field `hunter2`, there are no fields", "unknown field"),
            ("unknown variant `hunter2`, expected `open`", "expected `open`"),
            ("missing field `sku` at line 1 column 2", "missing field `sku`"),
            ("hunter2 is not what we want", "not a valid value"),
        ] {
            assert_eq!(complaint(message), wanted);
        }
    }
}
