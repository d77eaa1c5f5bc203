use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{
    Comparison, GenerationError, Moves,
    alignment::{Pair, seen_together},
    compare::compare,
    tables,
};
use crate::GenerationState;

/// Compares the live generation of a projection with the one in this state, row by row, at the same position. The
/// live one is held only until the other has caught up; queries go on all the time.
pub async fn verify(
    database: &PgConnectOptions,
    projection: &str,
    state: GenerationState,
) -> Result<Comparison, GenerationError> {
    let mut connection = PgConnection::connect_with(database).await?;
    let pair = Pair::find(&mut connection, projection, state).await?;
    let compared = pair.tables(&mut connection).await?;
    tables::require_columns(&mut connection, &compared, &pair.other).await?;
    let mut moves = Moves::listen(database, projection).await?;
    let mut result = seen_together(database, &mut connection, &mut moves, &pair).await?;
    compare(&mut result, &pair, &compared).await
}
