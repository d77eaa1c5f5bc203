use crate::Version;

/// The version that the sender of a command expects the aggregate to have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Expected {
    /// Any version, or none.
    #[default]
    Any,
    /// It does not exist yet.
    Absent,
    /// It exists, at any version.
    Present,
    /// It exists, at one of these versions.
    OneOf(Vec<Version>),
}

impl Expected {
    /// Whether an aggregate at version `current` meets the expectation.
    pub fn is_met_by(&self, current: Version) -> bool {
        let exists = current != Version::NONE;
        match self {
            Self::Any => true,
            Self::Absent => !exists,
            Self::Present => exists,
            Self::OneOf(versions) => exists && versions.contains(&current),
        }
    }
}
