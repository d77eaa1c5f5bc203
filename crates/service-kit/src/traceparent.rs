//! `traceparent` (W3C Trace Context): validates that of a client, and begins a new trace if there is none.

use uuid::Uuid;

/// Begins a new trace, which is not sampled.
pub(crate) fn begin() -> String {
    let parent_id = Uuid::new_v4().as_u64_pair().1;
    format!("00-{}-{parent_id:016x}-00", Uuid::new_v4().simple())
}

/// Whether the text is a `traceparent` of version 00.
pub(crate) fn is_valid(text: &str) -> bool {
    let parts: Vec<_> = text.split('-').collect();
    let [version, trace_id, parent_id, flags] = parts[..] else {
        return false;
    };
    version == "00"
        && is_lower_hex(trace_id, 32)
        && is_lower_hex(parent_id, 16)
        && is_lower_hex(flags, 2)
        && [trace_id, parent_id].iter().all(|id| id.bytes().any(|digit| digit != b'0'))
}

fn is_lower_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::{begin, is_valid};

    #[test]
    fn a_new_trace_is_valid() {
        assert!(is_valid(&begin()));
    }

    #[test]
    fn the_example_of_the_standard_is_valid() {
        assert!(is_valid("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    }

    #[test]
    fn wrong_lengths_letters_versions_and_zero_ids_are_invalid() {
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert!(!is_valid(text), "{text}");
        }
    }
}
