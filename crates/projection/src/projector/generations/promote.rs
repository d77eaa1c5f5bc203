use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection, postgres::PgConnectOptions};
use tokio::time::{Instant, sleep};

use super::{
    GenerationError, Notifications, alignment::Pair, copy, limit, list, progress, swap::swap, tables,
    tables::quoted, verify,
};
use crate::{Generation, GenerationState};

/// How long a swap yields to other statements before it fails.
const SWAP_TIMEOUT: Duration = Duration::from_secs(30);
/// How long to wait between two attempts, so that queries and projectors can continue.
const RETRY_DELAY: Duration = Duration::from_millis(250);
/// How often the live generation is held back for the other one to catch up, before the swap fails.
const MAX_ALIGNMENTS: u32 = 3;

/// Which generation becomes live, and under which conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promotion {
    /// The state of the generation that becomes live: building or standby.
    pub state: GenerationState,
    /// How many events the generation may be behind. It applies them while the live one is held back.
    pub max_lag: i64,
    /// Whether the rows may differ although the same version wrote them.
    pub accept_differences: bool,
}

/// Makes a generation live, and the live one the standby. No query fails, or sees fewer events than before. Returns the
/// new live generation.
pub async fn promote(
    database: &PgConnectOptions,
    projection: &str,
    promotion: Promotion,
) -> Result<Generation, GenerationError> {
    let mut connection = PgConnection::connect_with(database).await?;
    let pair = Pair::find(&mut connection, projection, promotion.state).await?;
    check(&mut connection, &pair, promotion.max_lag).await?;
    // The rate limit spares the live generation. From now on it would only make the live generation wait longer.
    limit(&mut connection, projection, pair.other.number, None).await?;
    if pair.live.version == pair.other.version && !promotion.accept_differences {
        let comparison = verify(database, projection, promotion.state).await?;
        if !comparison.is_equal() {
            return Err(GenerationError::Differ(comparison));
        }
    }
    swap_with_retries(database, &mut connection, &pair).await?;
    list::in_state(&mut connection, projection, GenerationState::Live).await
}

/// Checks everything that can be checked before the live generation is held back.
async fn check(connection: &mut PgConnection, pair: &Pair, max_lag: i64) -> Result<(), GenerationError> {
    refuse_third_generation(connection, pair).await?;
    let tables = pair.tables(connection).await?;
    tables::refuse_attachments(connection, &tables).await?;
    tables::require_columns(connection, &tables, &pair.other).await?;
    let events = progress(connection, pair.projection(), pair.other.number).await?.behind();
    if events > max_lag {
        return Err(GenerationError::TooFarBehind { generation: pair.other.number, events, max_lag });
    }
    for table in tables {
        let schema = pair.other.own_schema();
        copy::restore_fillfactor(connection, &table, &schema).await?;
        // Without statistics the first queries would get poor plans.
        let analyze = format!("ANALYZE {}.{}", quoted(&schema), quoted(&table));
        connection.execute(analyze.as_str()).await?;
    }
    Ok(())
}

/// Fails if there is a third generation, because it is in a state that one of the pair needs.
async fn refuse_third_generation(connection: &mut PgConnection, pair: &Pair) -> Result<(), GenerationError> {
    let all = list::generations_of(connection, pair.projection()).await?;
    match all.into_iter().find(|third| ![pair.live.number, pair.other.number].contains(&third.number)) {
        Some(Generation { projection, number: generation, state, .. }) => {
            Err(GenerationError::Exists { projection, generation, state })
        }
        None => Ok(()),
    }
}

/// Repeats the swap until its locks are available and the generations are aligned, or it times out.
async fn swap_with_retries(
    database: &PgConnectOptions,
    connection: &mut PgConnection,
    pair: &Pair,
) -> Result<(), GenerationError> {
    let mut notifications = Notifications::listen(database, pair.projection()).await?;
    let began = Instant::now();
    let mut alignments = 1;
    loop {
        match swap(connection, &mut notifications, pair).await {
            Err(error) if error.is_lock_conflict() => {
                let waited = began.elapsed();
                if waited > SWAP_TIMEOUT {
                    return Err(GenerationError::Busy { projection: pair.projection().to_owned(), waited });
                }
            }
            Err(GenerationError::NotAligned { .. }) if alignments < MAX_ALIGNMENTS => alignments += 1,
            done => return done,
        }
        sleep(RETRY_DELAY).await;
    }
}
