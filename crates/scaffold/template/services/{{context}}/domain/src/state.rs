//! The state of {{an}} {{words}} that the rules need. It is small, because services keep many of them in memory.

use serde::{Deserialize, Serialize};

/// The state of {{an}} {{words}}.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It does not exist yet.
    #[default]
    Absent,
    /// It exists.
    Present {
        /// The name.
        name: String,
    },
}
