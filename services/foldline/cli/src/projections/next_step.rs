use projection::{
    GenerationState::{Building, Live, Standby},
    generations::GenerationError,
};

use crate::hint::hinted;

/// Adds a hint to an error: the commands that an operator can choose from.
pub(super) fn with_next_step(projection: &str, error: GenerationError) -> anyhow::Error {
    match next_step(projection, &error) {
        Some(hint) => hinted(error, hint),
        None => error.into(),
    }
}

fn next_step(projection: &str, error: &GenerationError) -> Option<String> {
    let run = |verb: &str| format!("`foldline projections {verb} {projection}`");
    match error {
        GenerationError::Exists { state: Building | Live, .. } => {
            Some(format!("{} makes it live, {} drops it", run("promote"), run("cancel")))
        }
        GenerationError::Exists { state: Standby, .. } => Some(format!("{} drops it", run("drop"))),
        GenerationError::Missing { state: Building, .. } => Some(format!("{} begins one", run("rebuild"))),
        GenerationError::Missing { .. } | GenerationError::Unknown { .. } | GenerationError::Changed(_) => {
            Some("`foldline projections list` shows the generations".to_owned())
        }
        GenerationError::OtherColumns { .. } => {
            Some(format!("{} drops it, {} builds it again", run("cancel"), run("rebuild")))
        }
        GenerationError::TooFarBehind { .. } => {
            Some(format!("`foldline projections rebuild {projection} --follow` waits for it"))
        }
        GenerationError::Differ(_) => Some(format!(
            "`foldline projections promote {projection} --accept-differences` promotes it anyway"
        )),
        _ => None,
    }
}
