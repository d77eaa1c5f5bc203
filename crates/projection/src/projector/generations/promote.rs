use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection, postgres::PgConnectOptions};
use tokio::time::{Instant, sleep};

use super::{
    GenerationError, Moves, alignment::Pair, copy, limit, list, progress, swap::swap, tables, tables::quoted,
    verify,
};
use crate::{Generation, GenerationState};

/// How long a swap gives way to others before it fails.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it lets queries and projectors go on between two attempts.
const PAUSE: Duration = Duration::from_millis(250);
/// How many times the live generation may be held in vain.
const MEETINGS: u32 = 3;

/// Which generation is to become live, and under which conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promotion {
    /// The generation that is building, or the one on standby.
    pub state: GenerationState,
    /// The gate: how many events it may be behind. It catches up with them while the live one is held.
    pub max_lag: i64,
    /// Whether its rows may differ, although the same version has filled them.
    pub accept_differences: bool,
}

/// Makes a generation live, and the live one the standby. No query fails, or sees fewer or older rows than before.
/// Returns the generation that is live now.
pub async fn promote(
    database: &PgConnectOptions,
    projection: &str,
    promotion: Promotion,
) -> Result<Generation, GenerationError> {
    let mut connection = PgConnection::connect_with(database).await?;
    let pair = Pair::find(&mut connection, projection, promotion.state).await?;
    check(&mut connection, &pair, promotion.max_lag).await?;
    // The limit was there to spare the live generation; from here on it would only make that wait.
    limit(&mut connection, projection, pair.other.number, None).await?;
    if pair.live.version == pair.other.version && !promotion.accept_differences {
        let comparison = verify(database, projection, promotion.state).await?;
        if !comparison.is_equal() {
            return Err(GenerationError::Differ(comparison));
        }
    }
    swap_patiently(database, &mut connection, &pair).await?;
    list::in_state(&mut connection, projection, GenerationState::Live).await
}

/// Checks what can be checked before anybody has to wait.
async fn check(connection: &mut PgConnection, pair: &Pair, most: i64) -> Result<(), GenerationError> {
    refuse_a_third(connection, pair).await?;
    let tables = pair.tables(connection).await?;
    tables::refuse_attachments(connection, &tables).await?;
    tables::require_columns(connection, &tables, &pair.other).await?;
    let events = progress(connection, pair.projection(), pair.other.number).await?.behind();
    if events > most {
        return Err(GenerationError::TooFarBehind { generation: pair.other.number, events, most });
    }
    for table in tables {
        let schema = pair.other.own_schema();
        copy::settle_table(connection, &table, &schema).await?;
        // Without statistics the first queries would get poor plans.
        let analyze = format!("ANALYZE {}.{}", quoted(&schema), quoted(&table));
        connection.execute(analyze.as_str()).await?;
    }
    Ok(())
}

/// A third generation is in the state that the live one, or the one that takes its place, would get.
async fn refuse_a_third(connection: &mut PgConnection, pair: &Pair) -> Result<(), GenerationError> {
    let all = list::generations_of(connection, pair.projection()).await?;
    match all.into_iter().find(|one| ![pair.live.number, pair.other.number].contains(&one.number)) {
        Some(Generation { projection, number: generation, state, .. }) => {
            Err(GenerationError::InTheWay { projection, generation, state })
        }
        None => Ok(()),
    }
}

/// Tries until the tables are free.
async fn swap_patiently(
    database: &PgConnectOptions,
    connection: &mut PgConnection,
    pair: &Pair,
) -> Result<(), GenerationError> {
    let mut moves = Moves::listen(database, pair.projection()).await?;
    let begun = Instant::now();
    let mut meetings = 0;
    loop {
        match swap(connection, &mut moves, pair).await {
            Err(error) if error.gave_way() => {
                let waited = begun.elapsed();
                if waited > PATIENCE {
                    return Err(GenerationError::Busy { projection: pair.projection().to_owned(), waited });
                }
            }
            Err(GenerationError::Apart { .. }) if meetings + 1 < MEETINGS => meetings += 1,
            done => return done,
        }
        sleep(PAUSE).await;
    }
}
