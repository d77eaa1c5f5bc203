//! What the rules need to know about the past of {{an}} {{words}}, and nothing more: services keep many of these in memory.

use serde::{Deserialize, Serialize};

/// The state of {{an}} {{words}}.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It does not exist yet.
    #[default]
    Absent,
    /// It exists.
    Present {
        /// What it is called.
        name: String,
    },
}
