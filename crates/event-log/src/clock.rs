use time::OffsetDateTime;

/// The time in UTC, cut to milliseconds: as much as a Kafka timestamp holds, so that an event's time is the same
/// in its headers, in its record and in every read model.
pub fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_millisecond(now.millisecond()).expect("a millisecond of the clock is in range")
}
