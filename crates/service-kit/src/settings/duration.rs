use std::time::Duration;

/// The text is not a whole number above zero followed by `ms` or `s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a whole number above zero followed by ms or s, such as 500ms or 10s")]
pub struct InvalidDuration;

/// Parses a duration such as `500ms` or `10s`.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidDuration> {
    let (digits, to_duration): (_, fn(u64) -> Duration) = match text.strip_suffix("ms") {
        Some(digits) => (digits, Duration::from_millis),
        None => (text.strip_suffix('s').ok_or(InvalidDuration)?, Duration::from_secs),
    };
    // 32 bits, so that adding the duration to a point in time cannot overflow.
    match digits.parse::<u32>() {
        Ok(number) if number > 0 => Ok(to_duration(number.into())),
        _ => Err(InvalidDuration),
    }
}
