use std::{fmt, sync::Arc};

use uuid::Uuid;

/// Identifies one aggregate. It is the Kafka key of its events, so it also determines their partition.
///
/// Between 1 and 128 visible ASCII characters. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AggregateId(Arc<str>);

/// The text is empty, longer than 128 characters, or contains a character that is not visible ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidAggregateId;

impl AggregateId {
    /// The longest id, in bytes, which are also characters.
    pub const MAX_LENGTH: usize = 128;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for AggregateId {
    type Error = InvalidAggregateId;

    fn try_from(text: &str) -> Result<Self, InvalidAggregateId> {
        let length_fits = (1..=Self::MAX_LENGTH).contains(&text.len());
        if length_fits && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidAggregateId)
        }
    }
}

impl From<Uuid> for AggregateId {
    fn from(id: Uuid) -> Self {
        Self(id.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()).into())
    }
}

impl fmt::Display for AggregateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvalidAggregateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an aggregate id has 1 to {} visible ASCII characters", AggregateId::MAX_LENGTH)
    }
}

impl std::error::Error for InvalidAggregateId {}
