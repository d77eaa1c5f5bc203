use aggregate::Version;
use serde::Deserialize;
use service_kit::{Problem, problem::kinds};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use utoipa::IntoParams;

/// The version or time up to which events are folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointInTime {
    /// The state at this version, from 1.
    Version(Version),
    /// The state at this time, by the clocks of the instances that decided the events.
    AsOf(OffsetDateTime),
}

/// Selects an earlier state; without parameters, the current one. At most one of them can be given.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PointInTimeParameters {
    /// The state at this version.
    #[param(value_type = Option<i64>, minimum = 1, example = 3)]
    version: Option<VersionParameter>,
    /// The state at this time (RFC 3339), according to the events known now.
    #[param(value_type = Option<String>, format = DateTime, example = "2026-11-20T10:00:00Z")]
    as_of: Option<TimeParameter>,
}

/// A version that an aggregate can have, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct VersionParameter(Version);

/// A time in RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
struct TimeParameter(OffsetDateTime);

impl PointInTimeParameters {
    /// The requested point; `None` for the current state.
    pub fn point_in_time(self) -> Result<Option<PointInTime>, Problem> {
        match (self.version, self.as_of) {
            (None, None) => Ok(None),
            (Some(version), None) => Ok(Some(PointInTime::Version(version.0))),
            (None, Some(time)) => Ok(Some(PointInTime::AsOf(time.0))),
            (Some(_), Some(_)) => {
                Err(Problem::new(kinds::INVALID_QUERY_PARAMETER).detail("either version or as_of, not both"))
            }
        }
    }
}

impl PointInTime {
    pub(super) const fn version(self) -> Option<i64> {
        match self {
            Self::Version(version) => Some(version.0.cast_signed()),
            Self::AsOf(_) => None,
        }
    }

    pub(super) const fn as_of(self) -> Option<OffsetDateTime> {
        match self {
            Self::Version(_) => None,
            Self::AsOf(time) => Some(time),
        }
    }
}

impl TryFrom<String> for VersionParameter {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let version = text.parse::<i64>().ok().filter(|version| is_number && *version > 0);
        version.map(|version| Self(Version(version.cast_unsigned()))).ok_or("expected a version: 1, 2, 3")
    }
}

impl TryFrom<String> for TimeParameter {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let time = OffsetDateTime::parse(&text, &Rfc3339);
        time.map(Self).map_err(|_| "expected a time in RFC 3339, such as 2026-11-20T10:00:00Z")
    }
}

#[cfg(test)]
mod tests {
    use super::{TimeParameter, VersionParameter};

    #[test]
    fn a_version_is_a_number_from_1() {
        for text in ["", "0", "-1", "+1", "1.0", "one", "9223372036854775808"] {
            assert!(VersionParameter::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert_eq!(VersionParameter::try_from("3".to_owned()).map(|version| version.0.0), Ok(3));
    }

    #[test]
    fn a_time_is_in_the_format_of_rfc_3339() {
        for text in ["", "yesterday", "2026-11-20", "2026-11-20T10:00:00", "2026-11-20T10:00:00 01:00"] {
            assert!(TimeParameter::try_from(text.to_owned()).is_err(), "{text}");
        }
        let time = TimeParameter::try_from("2026-11-20T11:00:00+01:00".to_owned()).unwrap();
        assert_eq!(time.0, time::macros::datetime!(2026-11-20 10:00 UTC));
    }
}
