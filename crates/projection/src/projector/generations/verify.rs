use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use super::{
    Comparison, GenerationError, Notifications,
    alignment::{Pair, aligned_snapshot},
    compare::compare,
    tables,
};
use crate::GenerationState;

/// Compares the live generation of a projection with the one in this state, row by row, at the same position. The live
/// one is held back only until the other has caught up; queries are not affected.
pub async fn verify(
    database: &PgConnectOptions,
    projection: &str,
    state: GenerationState,
) -> Result<Comparison, GenerationError> {
    let mut connection = PgConnection::connect_with(database).await?;
    let pair = Pair::find(&mut connection, projection, state).await?;
    let compared = pair.tables(&mut connection).await?;
    tables::require_columns(&mut connection, &compared, &pair.other).await?;
    let mut notifications = Notifications::listen(database, projection).await?;
    let mut snapshot = aligned_snapshot(database, &mut connection, &mut notifications, &pair).await?;
    compare(&mut snapshot, &pair, &compared).await
}
