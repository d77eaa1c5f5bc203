//! The part of the past of {{an}} {{words}} that the rules need. It is kept small, because services hold many in
//! memory.

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
