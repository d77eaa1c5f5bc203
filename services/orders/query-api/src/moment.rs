use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// Up to where the past of an order is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PointInTime {
    /// When it had just got to this version, from 1.
    Version(WantedVersion),
    /// At this time.
    AsOf(Time),
}

/// A version that an order can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct WantedVersion(i64);

/// A time in RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Time(OffsetDateTime);

impl PointInTime {
    pub(crate) const fn version(self) -> Option<i64> {
        match self {
            Self::Version(version) => Some(version.0),
            Self::AsOf(_) => None,
        }
    }

    pub(crate) const fn as_of(self) -> Option<OffsetDateTime> {
        match self {
            Self::Version(_) => None,
            Self::AsOf(time) => Some(time.0),
        }
    }
}

impl TryFrom<String> for WantedVersion {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let version = text.parse().ok().filter(|version| is_number && *version > 0);
        version.map(Self).ok_or("expected a version: 1, 2, 3")
    }
}

impl TryFrom<String> for Time {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let time = OffsetDateTime::parse(&text, &Rfc3339);
        time.map(Self).map_err(|_| "expected a time in RFC 3339, such as 2026-11-20T10:00:00Z")
    }
}
