//! Somebody who rebuilds, promotes, rolls back and drops all the time, without a look at what is there.

use futures_util::future::join_all;
use test_kit::TestEnvironment;
use tokio::task::spawn_blocking;

use crate::{
    chaos::Kind::{self, Cancelled, Dropped, Promoted, RolledBack},
    stage::PROJECTIONS,
};

const REBUILD: &str = "rebuild PROJECTION --promote --yes";
const GO_ON: &str = "rebuild PROJECTION --follow --promote --yes";
const ROLL_BACK: &str = "rollback PROJECTION --yes";
const DROP: &str = "drop PROJECTION --yes";
const CANCEL: &str = "cancel PROJECTION --yes";

/// What is tried, how likely it is, and what it is when it has worked. Much of it is refused.
const COMMANDS: [(usize, &str, Kind); 5] = [
    (4, REBUILD, Promoted),
    (4, GO_ON, Promoted),
    (1, ROLL_BACK, RolledBack),
    (3, DROP, Dropped),
    (1, CANCEL, Cancelled),
];

/// Tries something with one of the projections, or a rebuild where it is refused, and says what has become of it.
pub(crate) async fn act(environment: &TestEnvironment, random: &mut fastrand::Rng) -> Option<Kind> {
    let likely =
        COMMANDS.iter().flat_map(|(chance, command, kind)| std::iter::repeat_n((*command, *kind), *chance));
    let likely: Vec<_> = likely.collect();
    let (command, kind) = likely[random.usize(..likely.len())];
    let projection = any_projection(random);
    if run(environment, projection, command).await.is_ok() {
        return Some(kind);
    }
    run(environment, projection, REBUILD).await.is_ok().then_some(Promoted)
}

/// Every other time it is orders, for those are what the sessions look at.
fn any_projection(random: &mut fastrand::Rng) -> &'static str {
    if random.bool() { PROJECTIONS[0] } else { PROJECTIONS[random.usize(1..PROJECTIONS.len())] }
}

/// Rebuilds and promotes every projection while nothing is broken, which must work; answers what has not.
pub(crate) async fn rebuild_all(environment: &TestEnvironment) -> Vec<String> {
    complaints(PROJECTIONS.map(|projection| rebuild(environment, projection))).await
}

/// Has the product itself compare the live rows of every projection with those made from zero; answers where it finds
/// anything.
pub(crate) async fn verify_all(environment: &TestEnvironment) -> Vec<String> {
    complaints(PROJECTIONS.map(|projection| run(environment, projection, "verify PROJECTION"))).await
}

/// Does all of it at once.
async fn complaints(tries: [impl Future<Output = Result<(), String>>; 3]) -> Vec<String> {
    join_all(tries).await.into_iter().filter_map(Result::err).collect()
}

async fn rebuild(environment: &TestEnvironment, projection: &'static str) -> Result<(), String> {
    // One of them finds nothing, or both.
    let mut refused = Vec::new();
    for unless_there in [CANCEL, DROP] {
        refused.extend(run(environment, projection, unless_there).await.err());
    }
    let rebuilt = run(environment, projection, REBUILD).await;
    rebuilt.map_err(|complaint| format!("{complaint} before it: {}", refused.join("; ")))
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
        Err(complaint) => Err(format!("{command}: {complaint}")),
    })
    .await
    .unwrap()
}
