//! Somebody who rebuilds, promotes, rolls back and drops all the time, without a look at what is there.

use test_kit::Area;
use tokio::task::spawn_blocking;

use crate::chaos::Kind::{self, Cancelled, Dropped, Promoted, RolledBack};

const REBUILD: &str = "projections rebuild --projection orders --promote --yes";
const GO_ON: &str = "projections rebuild --projection orders --follow --promote --yes";
const ROLL_BACK: &str = "projections rollback --projection orders --yes";
const DROP: &str = "projections drop --projection orders --yes";
const CANCEL: &str = "projections cancel --projection orders --yes";

/// What is tried, how likely it is, and what it is when it has worked. Much of it is refused.
const COMMANDS: [(usize, &str, Kind); 5] = [
    (4, REBUILD, Promoted),
    (4, GO_ON, Promoted),
    (1, ROLL_BACK, RolledBack),
    (3, DROP, Dropped),
    (1, CANCEL, Cancelled),
];

/// Tries something, and says what has become of it.
pub(crate) async fn act(area: &Area, random: &mut fastrand::Rng) -> Option<Kind> {
    let likely =
        COMMANDS.iter().flat_map(|(chance, command, kind)| std::iter::repeat_n((*command, *kind), *chance));
    let likely: Vec<_> = likely.collect();
    let (command, kind) = likely[random.usize(..likely.len())];
    run(area, command).await.is_ok().then_some(kind)
}

/// Rebuilds and promotes while nothing is broken, which must work.
pub(crate) async fn rebuild(area: &Area) -> Result<(), String> {
    // One of them finds nothing, or both.
    let mut refused = Vec::new();
    for unless_there in [CANCEL, DROP] {
        refused.extend(run(area, unless_there).await.err());
    }
    run(area, REBUILD).await.map_err(|complaint| format!("{complaint} before it: {}", refused.join("; ")))
}

/// Has the product itself compare the live rows with those made from zero.
pub(crate) async fn verify(area: &Area) -> Result<(), String> {
    run(area, "projections verify --projection orders").await
}

async fn run(area: &Area, command: &'static str) -> Result<(), String> {
    let area = area.clone();
    let said = spawn_blocking(move || area.try_admin(command)).await.unwrap();
    said.map(drop).map_err(|complaint| format!("{command}: {complaint}"))
}
