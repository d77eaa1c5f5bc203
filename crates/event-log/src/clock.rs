use time::OffsetDateTime;

/// The current time in UTC, truncated to milliseconds, the precision of a Kafka timestamp. So an event has the same
/// time in its headers, in its record and in every read model.
pub fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_millisecond(now.millisecond()).expect("a millisecond of the clock is in range")
}
