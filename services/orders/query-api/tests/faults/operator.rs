//! An operator who constantly rebuilds, promotes, rolls back and drops generations without checking their state first.

use futures_util::future::join_all;
use test_kit::TestEnvironment;
use tokio::task::spawn_blocking;

use crate::{
    chaos::Kind::{self, Cancelled, Dropped, Promoted, RolledBack},
    services::PROJECTIONS,
};

const REBUILD: &str = "rebuild PROJECTION --promote --yes";
const CONTINUE: &str = "rebuild PROJECTION --follow --promote --yes";
const ROLL_BACK: &str = "rollback PROJECTION --yes";
const DROP: &str = "drop PROJECTION --yes";
const CANCEL: &str = "cancel PROJECTION --yes";

/// The weight of each command, and the kind of disturbance if it succeeds. Many are refused.
const COMMANDS: [(usize, &str, Kind); 5] = [
    (4, REBUILD, Promoted),
    (4, CONTINUE, Promoted),
    (1, ROLL_BACK, RolledBack),
    (3, DROP, Dropped),
    (1, CANCEL, Cancelled),
];

/// Tries a random command on a random projection, or a rebuild if it is refused. Returns what succeeded.
pub(crate) async fn act(environment: &TestEnvironment, random: &mut fastrand::Rng) -> Option<Kind> {
    let weighted =
        COMMANDS.iter().flat_map(|(weight, command, kind)| std::iter::repeat_n((*command, *kind), *weight));
    let weighted: Vec<_> = weighted.collect();
    let (command, kind) = weighted[random.usize(..weighted.len())];
    let projection = any_projection(random);
    if run(environment, projection, command).await.is_ok() {
        return Some(kind);
    }
    run(environment, projection, REBUILD).await.is_ok().then_some(Promoted)
}

/// Half the time it is `orders`, which the sessions query.
fn any_projection(random: &mut fastrand::Rng) -> &'static str {
    if random.bool() { PROJECTIONS[0] } else { PROJECTIONS[random.usize(1..PROJECTIONS.len())] }
}

/// Rebuilds and promotes every projection while there are no faults, which must succeed. Returns the failures.
pub(crate) async fn rebuild_all(environment: &TestEnvironment) -> Vec<String> {
    failures(PROJECTIONS.map(|projection| rebuild(environment, projection))).await
}

/// Runs `foldline projections verify` for every projection. Returns the failures.
pub(crate) async fn verify_all(environment: &TestEnvironment) -> Vec<String> {
    failures(PROJECTIONS.map(|projection| run(environment, projection, "verify PROJECTION"))).await
}

/// Runs all of them concurrently, and returns the failures.
async fn failures(commands: [impl Future<Output = Result<(), String>>; 3]) -> Vec<String> {
    join_all(commands).await.into_iter().filter_map(Result::err).collect()
}

async fn rebuild(environment: &TestEnvironment, projection: &'static str) -> Result<(), String> {
    // One or both of these are refused, because there is nothing to cancel or drop.
    let mut refused = Vec::new();
    for command in [CANCEL, DROP] {
        refused.extend(run(environment, projection, command).await.err());
    }
    let rebuilt = run(environment, projection, REBUILD).await;
    rebuilt.map_err(|failure| format!("{failure} before it: {}", refused.join("; ")))
}

async fn run(
    environment: &TestEnvironment,
    projection: &'static str,
    command: &'static str,
) -> Result<(), String> {
    let (environment, command) =
        (environment.clone(), format!("projections {}", command.replace("PROJECTION", projection)));
    spawn_blocking(move || match environment.try_foldline(&command) {
        Ok(_) => Ok(()),
        Err(failure) => Err(format!("{command}: {failure}")),
    })
    .await
    .unwrap()
}
